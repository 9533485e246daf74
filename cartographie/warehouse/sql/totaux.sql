-- One row: one total of the row and cell accounts of a campaign (unite: ligne, cellule).
SELECT unite, categorie, motif, CAST(sum(nombre) AS BIGINT) AS nombre
FROM compte
WHERE campagne = ?
GROUP BY ALL
ORDER BY ALL;
