DELETE FROM observation_flag f
USING :rows_flag
WHERE f.series_id = s.series_id AND f.time = s.time AND f.rule = s.rule
