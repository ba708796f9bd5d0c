-- Observations of some series in a stretch of time, packed series by series.
SELECT series_id, string_agg(timestamptz_send(time) || int8send(ticks) || int2send(flags), ''::bytea ORDER BY time)
FROM observation
WHERE series_id = ANY(%(series)s::int[]) AND time >= %(low)s AND time < %(high)s
GROUP BY series_id
