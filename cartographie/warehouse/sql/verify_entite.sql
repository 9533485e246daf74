-- Set-level checks of one entity. One row a broken promise: (constat, nombre).
SELECT 'lignes de même clé' AS constat, count(*) AS nombre
FROM (SELECT 1 FROM $table GROUP BY $cle HAVING count(*) > 1)
UNION ALL
SELECT 'lignes sans clé', count(*) FROM $table WHERE $cle_nulle
UNION ALL
SELECT 'lignes sans fichier reçu', count(*)
FROM $table AS e
WHERE NOT EXISTS (SELECT 1 FROM depot AS d WHERE d.campagne = e.campagne AND d.depot = e.depot)
UNION ALL
SELECT 'lignes sans ligne Excel', count(*) FROM $table WHERE ligne IS NULL OR ligne < 1
