COPY stage_flag (time, series_id, rule, excluded) FROM STDIN (FORMAT binary)
