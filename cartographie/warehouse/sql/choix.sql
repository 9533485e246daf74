-- Long form of one multiple choice, in the order of its table.
INSERT INTO choix
SELECT campagne, $entite, $cle, $ordinal, $nom, unnest($variable)
FROM $table;
