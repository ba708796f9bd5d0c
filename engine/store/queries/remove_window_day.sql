-- The limits let the planner leave out other chunks.
DELETE FROM window_day w
USING :rows_key
WHERE w.series_id = k.series_id AND w.start = k.start AND w.start >= %(low)s AND w.start <= %(high)s
