-- What stands unchanged is written again once an hour only.
INSERT INTO kpi_finding AS old (
    horizon, "year", rule, subject, nth, severity, data_points, detail, first_seen, last_seen
)
SELECT %(horizon)s, %(year)s, f.rule, f.subject, f.nth, f.severity, string_to_array(f.data_points, chr(10)), f.detail, %(seen)s,
       %(seen)s
FROM unnest(
    %(rule)s::text[], %(subject)s::text[], %(nth)s::int[], %(severity)s::text[], %(data_points)s::text[], %(detail)s::text[]
) AS f (rule, subject, nth, severity, data_points, detail)
ON CONFLICT (horizon, "year", rule, subject, nth) DO UPDATE
SET severity = excluded.severity, data_points = excluded.data_points, detail = excluded.detail,
    first_seen = CASE WHEN old.gone_at IS NULL THEN old.first_seen ELSE excluded.first_seen END,
    last_seen = excluded.last_seen, gone_at = NULL
WHERE old.gone_at IS NOT NULL
   OR (old.severity, old.data_points, old.detail)
      IS DISTINCT FROM (excluded.severity, excluded.data_points, excluded.detail)
   OR old.last_seen <= excluded.last_seen - interval '1 hour'
