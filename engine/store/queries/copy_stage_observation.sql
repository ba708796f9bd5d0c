COPY stage_observation (time, ticks, series_id, flags, key) FROM STDIN (FORMAT binary)
