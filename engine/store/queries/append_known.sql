-- What the table holds at the times of the staged readings. The limits let the planner leave out other chunks.
SELECT string_agg(int4send(s.key) || int8send(o.ticks), ''::bytea)
FROM stage_observation s
JOIN observation o ON o.series_id = s.series_id AND o.time = s.time
WHERE o.time >= %(low)s AND o.time <= %(high)s
