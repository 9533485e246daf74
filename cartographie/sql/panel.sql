-- One row: one record found again in the previous campaign (same stable key; the n-th with the n-th when several share it).
CREATE VIEW $vue AS
WITH suite AS (
    SELECT *, row_number() OVER (PARTITION BY campagne, $cle ORDER BY id_repondant, ordinal) AS rang_panel
    FROM $source
    WHERE $cle IS NOT NULL
)
SELECT a.* EXCLUDE (rang_panel), k.precedente AS campagne_precedente $precedentes
FROM suite AS a
JOIN campagne AS k ON k.campagne = a.campagne
JOIN suite AS p ON p.campagne = k.precedente AND p.$cle = a.$cle AND p.rang_panel = a.rang_panel;
