SELECT r.data_point, r."year", r.scope_kind, r.scope, r.revision, r.figure, r.band, r.percent_ratio, r.target, r.why_not,
       r.computed_at, r.change, r.superseded_at
FROM v_kpi_score_revision r
WHERE r.data_point = %(data_point)s AND r.scope_kind = %(scope_kind)s AND r.scope = %(scope)s AND r."year" = %(year)s
  AND r.declared = %(declared)s
ORDER BY r.revision
