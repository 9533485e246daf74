-- One row: the number of sheets whose distinct Excel rows in the warehouse are not the kept rows of their account.
-- A form (« fiche ») is one record for all its rows: one row found is then enough.
SELECT 'feuilles dont les lignes conservées diffèrent des comptes' AS constat, count(*) AS nombre
FROM (
    SELECT campagne, depot, feuille, sum(nombre) FILTER (categorie = 'conservees') AS attendu
    FROM compte WHERE unite = 'ligne' GROUP BY campagne, depot, feuille
) AS c
FULL JOIN (
    SELECT campagne, depot, feuille, count(*) AS trouve FROM ($lignes) GROUP BY campagne, depot, feuille
) AS t USING (campagne, depot, feuille)
WHERE depot IN (SELECT k.depot FROM compte AS k WHERE k.unite = 'ligne')
  AND coalesce(attendu, 0) <> coalesce(trouve, 0)
  AND NOT (coalesce(trouve, 0) = 1 AND coalesce(attendu, 0) > 1)
