SELECT horizon, coalesce("year", 0), severity, rule, data_points, detail, first_seen, last_seen, gone_at
FROM v_kpi_finding
WHERE horizon = %(horizon)s AND coalesce("year", 0) = %(year)s
ORDER BY stands DESC, array_position(ARRAY['error', 'question', 'lack'], severity), rule, data_points, detail
