-- Cells at keys, all of them between the limits, by one look into the index for each (see append_known).
SELECT string_agg(int4send(w.series_id) || timestamptz_send(w.start) || int8send(w.count) || int8send(w.low) || int8send(w.high) ||
       int8send(w.sum_0) || int8send(w.sum_1) || int8send(w.sum_2) || int8send(w.sum_3) ||
       int8send(w.expected) || int4send(w.revision), ''::bytea)
FROM unnest(%(start)s::timestamptz[], %(series)s::int[]) k (start, series_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM window_day
    WHERE series_id = k.series_id AND start = k.start AND start >= %(low)s AND start <= %(high)s
    LIMIT 1
) w
