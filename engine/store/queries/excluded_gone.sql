DELETE FROM window_excluded w
USING stage_key k
WHERE w.series_id = k.series_id AND w.start = k.start
