INSERT INTO observation_flag (time, series_id, rule, excluded)
SELECT time, series_id, rule, excluded = 1
FROM :rows_flag
ORDER BY series_id, time, rule
ON CONFLICT (series_id, time, rule) DO UPDATE SET excluded = excluded.excluded
