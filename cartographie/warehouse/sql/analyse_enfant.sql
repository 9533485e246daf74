-- One row: one kept child record, with the analysis columns (axes, frame attributes) of its parent.
CREATE VIEW $vue AS
SELECT e.* $heritees
FROM $table AS e
JOIN $parent AS p
  ON p.campagne = e.campagne AND p.id_repondant = e.id_repondant AND p.ordinal = e.ordinal_parent;
