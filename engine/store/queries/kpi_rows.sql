SELECT v.data_point, v.horizon, coalesce(v."year", 0), v.scope_kind, v.scope, v."start", v."end", v.value, v.unit, v.effective,
       v.ratio, v.numerator, v.denominator, v.reason, v.received, v.expected, v.validity, v.revision, v.computed_at,
       v.definition, v.facts, v.inputs::text, v.low_ratio, v.high_ratio
FROM v_kpi_value v
WHERE (%(data_point)s::text IS NULL OR v.data_point = %(data_point)s)
  AND (%(scope_kind)s::text IS NULL OR v.scope_kind = %(scope_kind)s)
  AND (%(scope)s::text IS NULL OR v.scope = %(scope)s)
  AND (%(horizon)s::text IS NULL OR v.horizon = %(horizon)s)
  AND (%(year)s::int IS NULL OR v."year" = %(year)s)
ORDER BY v.data_point, v.scope_kind, v.scope, v.horizon, v."year"
