-- One row: the number of states that belong to no record.
SELECT 'états de variable sans enregistrement' AS constat, count(*) AS nombre FROM $table WHERE id_repondant IS NULL
