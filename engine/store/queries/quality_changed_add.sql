INSERT INTO quality_changed (start, series_id)
SELECT DISTINCT start, series_id
FROM stage_key
ORDER BY series_id, start
