-- Replaced results of closed windows, and what stands in their place now.
SELECT r.indicator, r."window", r.scope_kind, r.scope, r.start, r.value, r.unit, coalesce(r.band, 0)::int,
       coalesce(r.band_name, ''), coalesce(r.driver, ''), r.received, r.expected, r.revision, r.computed_at,
       r.superseded_at, r.reason, v.value, coalesce(v.revision, 0)
FROM v_indicator_revision r
LEFT JOIN v_indicator_value v USING (indicator, "window", scope_kind, scope, start)
WHERE start >= %(low)s AND start < %(high)s
  AND (%(indicator)s::text IS NULL OR indicator = %(indicator)s)
  AND (%(window)s::text IS NULL OR "window" = %(window)s)
  AND (%(scope_kind)s::text IS NULL OR scope_kind = %(scope_kind)s)
  AND (%(scope)s::text IS NULL OR scope = %(scope)s)
ORDER BY indicator, "window", scope_kind, scope, start, r.revision
