-- What the table holds at the times of readings, all of them between the limits, by one look into the index for each. A join
-- leaves it to the planner, and its statistics know nothing of the newest readings: where it expects to find one and finds
-- half a million, it compares all of them with all that are asked for. The limits let it leave out other chunks: each chunk
-- between them is asked for every reading.
SELECT string_agg(int4send(s.key) || int8send(o.ticks), ''::bytea)
FROM unnest(%(time)s::timestamptz[], %(series)s::int[], %(key)s::int[]) AS s (time, series_id, key)
CROSS JOIN LATERAL (
    SELECT ticks
    FROM observation
    WHERE series_id = s.series_id AND time = s.time AND time >= %(low)s AND time <= %(high)s
    LIMIT 1
) o
