COPY stage_cell (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision) FROM STDIN (FORMAT binary)
