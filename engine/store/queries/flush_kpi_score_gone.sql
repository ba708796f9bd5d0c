-- Scores of figures that are no longer defined or declared, of one period; closed ones are kept as revisions.
WITH gone AS (
    DELETE FROM kpi_score k
    WHERE (k.horizon, k."year") = (%(horizon)s, %(year)s)
      AND NOT EXISTS (
          SELECT
          FROM stage_kpi_score s
          WHERE (s.horizon, s."year", s.scope_id, s.data_point, s.declared)
                = (k.horizon, k."year", k.scope_id, k.data_point, k.declared)
      )
    RETURNING *
)
INSERT INTO kpi_score_revision (
    data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official,
    source, why_not, revision, computed_at, change, superseded_at, declared
)
SELECT data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official,
       source, why_not, revision, computed_at,
       CASE WHEN declared THEN 'no longer declared' ELSE 'no longer defined' END, %(computed)s, declared
FROM gone
WHERE revision >= 1
