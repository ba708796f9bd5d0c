-- As table_observation.
COPY (
    SELECT d.code, s.field, (extract(epoch FROM f.time) * 1000000)::bigint, r.name, f.excluded::int
    FROM observation_flag f
    JOIN (VALUES (1, 'stuck'), (2, 'spike'), (3, 'rate'), (4, 'drift')) r (rule, name) USING (rule)
    JOIN series s USING (series_id)
    JOIN device d USING (device_id)
    WHERE f.time >= %(low)s::timestamptz AND f.time < %(high)s::timestamptz
    ORDER BY d.code COLLATE "C", s.field COLLATE "C", f.time, r.name COLLATE "C", f.series_id
) TO STDOUT
