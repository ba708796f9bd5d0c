DELETE FROM observation_flag f
USING stage_flag s
WHERE f.series_id = s.series_id AND f.time = s.time AND f.rule = s.rule
