DELETE FROM window_excluded w
USING :rows_key
WHERE w.series_id = k.series_id AND w.start = k.start
