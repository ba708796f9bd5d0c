INSERT INTO window_excluded (start, count, low, high, sum_0, sum_1, sum_2, sum_3, series_id)
SELECT start, count, low, high, sum_0, sum_1, sum_2, sum_3, series_id
FROM :rows_cell
ORDER BY series_id, start
ON CONFLICT (series_id, start) DO UPDATE
SET count = excluded.count, low = excluded.low, high = excluded.high, sum_0 = excluded.sum_0, sum_1 = excluded.sum_1,
    sum_2 = excluded.sum_2, sum_3 = excluded.sum_3
