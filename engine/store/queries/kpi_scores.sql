SELECT s.data_point, s.horizon, coalesce(s."year", 0), s.scope_kind, s.scope, s.figure, s.band, s.percent_ratio, s.target, s.rule,
       s.worst, s.target_from, s.official, s.source, s.why_not, s.revision, s.computed_at, s.declared,
       s.counts
FROM v_kpi_score s
WHERE (%(data_point)s::text IS NULL OR s.data_point = %(data_point)s)
ORDER BY s.data_point, s.scope_kind, s.scope, s.horizon, s."year", s.declared
