-- One row: one asked variable of one kept record: renseigne, nsp, blanc, invalide, hors_filtre.
CREATE VIEW etat_variable AS
SELECT NULL::VARCHAR AS campagne, NULL::VARCHAR AS entite, NULL::VARCHAR AS id_repondant, NULL::INTEGER AS ordinal,
       NULL::VARCHAR AS variable, NULL::VARCHAR AS etat
WHERE false
$parties;
