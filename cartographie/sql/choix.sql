-- Long form of one multiple choice.
INSERT INTO choix
SELECT campagne, $entite, $cle, $ordinal, $nom, unnest($variable)
FROM $table
ORDER BY ALL;
