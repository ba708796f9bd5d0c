COPY stage_key (start, series_id) FROM STDIN (FORMAT binary)
