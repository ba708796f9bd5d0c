-- Results of windows that start in a stretch of time, nulls as they are staged.
SELECT string_agg(int4send(v.indicator_id) || int4send(v.scope_id) || timestamptz_send(v.start) ||
       int8send(coalesce(v.ticks, -9223372036854775808)) || int4send(coalesce(v.band, 0)) || int4send(coalesce(v.driver, -1)) ||
       int8send(v.received) || int8send(v.expected), ''::bytea)
FROM indicator_value v
WHERE v.start >= %(low)s AND v.start < %(high)s
GROUP BY v.indicator_id
