-- Of one chunk, the newest observation of each series: one look into its index for each.
SELECT string_agg(int4send(s.place::int) || timestamptz_send(o.time) || int8send(o.ticks), ''::bytea)
FROM unnest(%(series)s::int[]) WITH ORDINALITY s (series_id, place)
CROSS JOIN LATERAL (
    SELECT time, ticks
    FROM observation
    WHERE series_id = s.series_id AND time >= %(low)s AND time < %(high)s
    ORDER BY time DESC
    LIMIT 1
) o
