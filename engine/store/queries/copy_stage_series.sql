COPY stage_series FROM STDIN (FORMAT binary)
