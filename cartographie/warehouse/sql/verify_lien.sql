-- One row: the number of links whose respondent, or whose unit, is not in the warehouse.
SELECT 'liens sans répondant ou sans unité de la base' AS constat, count(*) AS nombre
FROM lien_base AS l
WHERE NOT EXISTS (SELECT 1 FROM $racine AS r WHERE r.campagne = l.campagne AND r.id_repondant = l.id_repondant)
   OR NOT EXISTS (SELECT 1 FROM $base AS b WHERE b.campagne = l.campagne AND b.id_base = l.id_base)
