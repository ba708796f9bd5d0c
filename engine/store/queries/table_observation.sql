-- A canonical table: text by bytes, times in microseconds, codes instead of ids, so that two databases may be compared.
COPY (
    SELECT d.code, s.field, (extract(epoch FROM o.time) * 1000000)::bigint, o.ticks, o.flags
    FROM observation o
    JOIN series s USING (series_id)
    JOIN device d USING (device_id)
    WHERE o.time >= %(low)s::timestamptz AND o.time < %(high)s::timestamptz
    ORDER BY d.code COLLATE "C", s.field COLLATE "C", o.time, o.series_id
) TO STDOUT
