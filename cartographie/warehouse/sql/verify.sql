-- Set-level checks common to every questionnaire. One row a broken promise: (constat, nombre).
SELECT 'fichiers en double dans depot' AS constat, count(*) AS nombre
FROM (SELECT 1 FROM depot GROUP BY campagne, depot HAVING count(*) > 1)
UNION ALL
SELECT 'unités de la base rattachées à plusieurs répondants', count(*)
FROM (SELECT 1 FROM lien_base GROUP BY campagne, id_base HAVING count(*) > 1)
UNION ALL
SELECT 'modalités en double dans une nomenclature', count(*)
FROM (SELECT 1 FROM nomenclature GROUP BY nom, code HAVING count(*) > 1)
UNION ALL
SELECT 'anomalies sans fichier reçu', count(*)
FROM anomalie AS a
WHERE a.depot IS NOT NULL AND a.depot <> ''
  AND NOT EXISTS (SELECT 1 FROM depot AS d WHERE d.campagne = a.campagne AND d.depot = a.depot)
UNION ALL
SELECT 'enregistrements en quarantaine sans fichier reçu', count(*)
FROM quarantaine AS a
WHERE NOT EXISTS (SELECT 1 FROM depot AS d WHERE d.campagne = a.campagne AND d.depot = a.depot)
UNION ALL
SELECT 'comptes qui ne s''équilibrent pas', count(*)
FROM (
    SELECT 1 FROM compte GROUP BY campagne, depot, feuille, unite
    HAVING coalesce(sum(nombre) FILTER (categorie = 'lues'), 0)
        <> coalesce(sum(nombre) FILTER (categorie <> 'lues'), 0)
)
