-- how many files of the sampling frame a campaign received
SELECT count(*) FROM depot WHERE campagne = ? AND role = 'base'
