-- As table_observation.
COPY (
    SELECT d.code, s.field, (extract(epoch FROM e.time) * 1000000)::bigint, e.kind, e.before_ticks, e.after_ticks
    FROM counter_event e
    JOIN series s USING (series_id)
    JOIN device d USING (device_id)
    WHERE e.time >= %(low)s::timestamptz AND e.time < %(high)s::timestamptz
    ORDER BY d.code COLLATE "C", s.field COLLATE "C", e.time, e.series_id
) TO STDOUT
