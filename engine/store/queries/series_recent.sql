-- Readings of some series from a time on. The ids come as a sub-select: as a constant the planner would weigh each of them.
SELECT string_agg(int4send(series_id) || timestamptz_send(time) || int8send(ticks), ''::bytea)
FROM observation
WHERE series_id = ANY((SELECT %(series)s::int[])::int[]) AND time >= %(low)s
