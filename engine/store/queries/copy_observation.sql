COPY observation (time, ticks, series_id, flags) FROM STDIN (FORMAT binary)
