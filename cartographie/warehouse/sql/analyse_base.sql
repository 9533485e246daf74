-- One row: one unit of the sampling frame; a_repondu: covered by a kept answer.
CREATE VIEW $vue AS
SELECT b.*, l.id_base IS NOT NULL AS a_repondu, l.id_repondant, l.mode AS mode_lien
FROM $table AS b
LEFT JOIN lien_base AS l ON l.campagne = b.campagne AND l.id_base = b.id_base;
