-- One row: one variable of one kept record, with the analysis columns of its respondent.
CREATE VIEW qualite_variable AS
SELECT q.* $heritees
FROM etat_variable AS q
LEFT JOIN $parent AS p ON p.campagne = q.campagne AND p.id_repondant = q.id_repondant;
-- One row: one anomaly, with the analysis columns of its respondent when the answer was kept.
CREATE VIEW analyse_anomalie AS
SELECT q.* $heritees
FROM anomalie AS q
LEFT JOIN $parent AS p ON p.campagne = q.campagne AND p.id_repondant = q.id_repondant;
