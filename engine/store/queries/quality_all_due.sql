-- Every hour of the series that have rules now, as far as its readings are here and not only in an archive.
INSERT INTO quality_due (start, series_id)
SELECT start, series_id
FROM window_hour
WHERE series_id = ANY(%(judged)s::int[]) AND count > 0
  AND start >= coalesce((SELECT max(until) FROM archived), '-infinity')
ORDER BY series_id, start
ON CONFLICT (series_id, start) DO NOTHING
