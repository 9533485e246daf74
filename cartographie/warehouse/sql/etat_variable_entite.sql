UNION ALL
SELECT campagne, $entite, id_repondant, ordinal, variable, etat
FROM $table UNPIVOT (etat FOR variable IN ($variables))
