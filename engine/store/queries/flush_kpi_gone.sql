-- Figures of the periods staged that are no longer defined; closed ones are kept as revisions.
WITH gone AS (
    DELETE FROM kpi_value v
    WHERE (v.horizon, v."year") IN (SELECT horizon, "year" FROM stage_kpi)
      AND NOT EXISTS (
          SELECT
          FROM stage_kpi s
          WHERE (s.horizon, s."year", s.scope_id, s.data_point) = (v.horizon, v."year", v.scope_id, v.data_point)
      )
    RETURNING *
)
INSERT INTO kpi_revision (
    data_point, horizon, "year", scope_id, "start", "end", unit, value, effective, ratio, numerator, denominator, reason,
    received, expected, validity, definition, facts, inputs, revision, computed_at, change, superseded_at,
    low_ratio, high_ratio
)
SELECT data_point, horizon, "year", scope_id, "start", "end", unit, value, effective, ratio, numerator, denominator, reason,
       received, expected, validity, definition, facts, inputs, revision, computed_at, 'no longer defined', %(computed)s,
       low_ratio, high_ratio
FROM gone
WHERE revision >= 1
-- A figure that went and came again counts its revisions anew.
ON CONFLICT DO NOTHING
