-- One row: one kept respondent. A variable taken from the frame is the value on which every covered unit agrees, else the
-- answer, else null: nothing says that one of the covered sites stands for the others.
CREATE VIEW $vue AS
WITH couverture AS (
    SELECT l.campagne, l.id_repondant, count(*) AS nombre_unites $accords
    FROM lien_base AS l
    $jointure_base
    GROUP BY l.campagne, l.id_repondant
)
SELECT r.campagne, r.id_repondant, r.ordinal, r.depot, r.feuille, r.ligne, r.id_base, r.id_suite,
       coalesce(c.nombre_unites, 0) AS nombre_unites $colonnes
FROM $table AS r
LEFT JOIN couverture AS c ON c.campagne = r.campagne AND c.id_repondant = r.id_repondant;
