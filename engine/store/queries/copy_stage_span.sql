COPY stage_span (low, high, series_id, slot) FROM STDIN (FORMAT binary)
