-- Observations of a stretch of time, packed series by series.
SELECT series_id, string_agg(timestamptz_send(time) || int8send(ticks) || int2send(flags), ''::bytea ORDER BY time)
FROM observation
WHERE time >= %(low)s AND time < %(high)s
GROUP BY series_id
