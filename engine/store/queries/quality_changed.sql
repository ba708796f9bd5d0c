SELECT change_id, series_id, start
FROM quality_changed
ORDER BY change_id
LIMIT %(limit)s
