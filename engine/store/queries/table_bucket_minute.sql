-- As table_observation. A cell without a reading and without a share of anything is the same as none.
COPY (
    SELECT d.code, s.field, (extract(epoch FROM w.start) * 1000000)::bigint, w.count, w.low, w.high,
           w.sum_0, w.sum_1, w.sum_2, w.sum_3, w.expected
    FROM bucket_minute w
    JOIN series s USING (series_id)
    JOIN device d USING (device_id)
    WHERE w.start >= %(low)s::timestamptz AND w.start < %(high)s::timestamptz
      AND (w.count, w.sum_0, w.sum_1, w.sum_2, w.sum_3) <> (0, 0, 0, 0, 0)
    ORDER BY d.code COLLATE "C", s.field COLLATE "C", w.start, w.series_id
) TO STDOUT
