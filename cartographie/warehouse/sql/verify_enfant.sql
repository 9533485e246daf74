-- One row: the number of child rows whose parent is not in the warehouse.
SELECT 'lignes sans parent' AS constat, count(*) AS nombre
FROM $table AS e
WHERE NOT EXISTS (
    SELECT 1 FROM $parent AS p
    WHERE p.campagne = e.campagne AND p.id_repondant = e.id_repondant AND p.ordinal = e.ordinal_parent
)
