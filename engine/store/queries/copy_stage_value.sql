COPY stage_value (start, ticks, received, expected, indicator_id, scope_id, driver, band, revision) FROM STDIN (FORMAT binary)
