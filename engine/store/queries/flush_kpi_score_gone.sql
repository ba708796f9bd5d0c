-- Scores of figures that are no longer defined, of the periods staged; closed ones are kept as revisions.
WITH gone AS (
    DELETE FROM kpi_score k
    WHERE (k.horizon, k."year") IN (SELECT horizon, "year" FROM stage_kpi_score)
      AND NOT EXISTS (
          SELECT
          FROM stage_kpi_score s
          WHERE (s.horizon, s."year", s.scope_id, s.data_point) = (k.horizon, k."year", k.scope_id, k.data_point)
      )
    RETURNING *
)
INSERT INTO kpi_score_revision (
    data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official,
    source, why_not, revision, computed_at, change, superseded_at
)
SELECT data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official,
       source, why_not, revision, computed_at, 'no longer defined', %(computed)s
FROM gone
WHERE revision >= 1
