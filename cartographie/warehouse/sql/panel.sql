-- One row: one record found again in the previous campaign (same stable key, the n-th with the n-th when several share it).
-- A number replaced or joined to another since is known by the one that follows it (id_suite); of several that became one, the
-- one that kept its number comes first.
CREATE VIEW $vue AS
WITH apres AS (
    SELECT *, row_number() OVER (PARTITION BY campagne, $cle ORDER BY id_repondant, ordinal) AS rang_panel
    FROM $source
    WHERE $cle IS NOT NULL
),
avant AS (
    SELECT *, row_number() OVER (PARTITION BY campagne, id_suite ORDER BY id_suite <> $cle, id_repondant, ordinal) AS rang_panel
    FROM $source
    WHERE id_suite IS NOT NULL
)
SELECT a.* EXCLUDE (rang_panel), k.precedente AS campagne_precedente $precedentes
FROM apres AS a
JOIN campagne AS k ON k.campagne = a.campagne
JOIN avant AS p ON p.campagne = k.precedente AND p.id_suite = a.$cle AND p.rang_panel = a.rang_panel;
