-- Keep which band was shown of closed years before it is replaced. Run before flush_kpi_score, in the same transaction.
-- Without a target no figure is looked at; and where a figure is not reported, another reason is another figure.
INSERT INTO kpi_score_revision (
    data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official,
    source, why_not, revision, computed_at, change, superseded_at, declared
)
SELECT o.data_point, o.horizon, o."year", o.scope_id, o.figure, o.band, o.percent, o.percent_ratio, o.target, o.rule, o.worst,
       o.target_from, o.official, o.source, o.why_not, o.revision, o.computed_at,
       CASE
           WHEN d.target AND d.figure THEN 'figure and target changed'
           WHEN d.target THEN 'target changed'
           WHEN d.figure THEN 'figure changed'
           ELSE 'scoring changed'
       END,
       %(computed)s, o.declared
FROM stage_kpi_score s
JOIN kpi_score o USING (horizon, "year", scope_id, data_point, declared)
CROSS JOIN LATERAL (
    SELECT (o.target, o.rule, o.worst, o.target_from, o.official, o.source)
           IS DISTINCT FROM (s.target, s.rule, s.worst, s.target_from, s.official, s.source) AS target,
           o.target IS NOT NULL AND s.target IS NOT NULL
           AND (o.figure, o.why_not) IS DISTINCT FROM (s.figure, s.why_not) AS figure
) d
WHERE o.revision >= 1
  AND (o.figure, o.band, o.percent_ratio, o.target, o.rule, o.worst, o.target_from, o.official, o.source, o.why_not)
      IS DISTINCT FROM
      (s.figure, s.band, s.percent_ratio, s.target, s.rule, s.worst, s.target_from, s.official, s.source, s.why_not)
