-- What is left out of the hours of some series that start in a stretch of time.
SELECT string_agg(int4send(series_id) || timestamptz_send(start) || int8send(count) || int8send(low) || int8send(high) ||
       int8send(sum_0) || int8send(sum_1) || int8send(sum_2) || int8send(sum_3) || int8send(0) || int4send(0), ''::bytea)
FROM window_excluded
WHERE series_id = ANY(%(series)s::int[]) AND start >= %(low)s AND start < %(high)s
