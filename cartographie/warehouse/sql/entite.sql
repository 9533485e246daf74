-- One row: one kept record of the entity in one campaign: technical columns, then every variable ever declared.
CREATE TABLE $table (
$colonnes
);
