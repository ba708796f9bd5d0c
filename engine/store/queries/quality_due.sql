SELECT serial, series_id, start
FROM quality_due
ORDER BY serial
LIMIT %(limit)s
