INSERT INTO quality_changed (start, series_id)
SELECT DISTINCT start, series_id
FROM :rows_key
ORDER BY series_id, start
