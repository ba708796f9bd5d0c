INSERT INTO quality_due (start, series_id)
SELECT DISTINCT start, series_id
FROM :rows_key
ORDER BY series_id, start
ON CONFLICT (series_id, start) DO UPDATE SET serial = excluded.serial
