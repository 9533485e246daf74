-- One row: one kept record of the entity in one campaign; one column: the state of its answer to one variable, null when
-- the campaign did not ask it: renseigne, nsp, blanc, invalide, hors_filtre. Read through the view etat_variable.
CREATE TABLE $table (
    campagne VARCHAR NOT NULL, id_repondant VARCHAR, ordinal INTEGER,
$colonnes
);
