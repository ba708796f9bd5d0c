-- Cells of a stretch of time of some series.
SELECT string_agg(int4send(w.series_id) || timestamptz_send(w.start) || int8send(w.count) || int8send(w.low) || int8send(w.high) ||
       int8send(w.sum_0) || int8send(w.sum_1) || int8send(w.sum_2) || int8send(w.sum_3) ||
       int8send(w.expected) || int4send(w.revision), ''::bytea)
FROM window_hour w
WHERE w.series_id = ANY(%(series)s::int[]) AND w.start >= %(low)s AND w.start < %(high)s
GROUP BY w.series_id
