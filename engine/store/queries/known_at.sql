-- What was known at a time: of each window the latest result computed up to it, whether it stands or was replaced since.
SELECT DISTINCT ON (indicator, "window", scope_kind, scope, start)
       indicator, "window", scope_kind, scope, start, value, unit, coalesce(band, 0)::int, coalesce(band_name, ''),
       coalesce(driver, ''), received, expected, revision, computed_at
FROM v_indicator_known
WHERE computed_at <= %(known)s AND start >= %(low)s AND start < %(high)s
  AND (%(indicator)s::text IS NULL OR indicator = %(indicator)s)
  AND (%(window)s::text IS NULL OR "window" = %(window)s)
  AND (%(scope_kind)s::text IS NULL OR scope_kind = %(scope_kind)s)
  AND (%(scope)s::text IS NULL OR scope = %(scope)s)
ORDER BY indicator, "window", scope_kind, scope, start, computed_at DESC, revision DESC
