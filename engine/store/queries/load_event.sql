SELECT e.series_id, e.time, e.kind, e.before_ticks, e.after_ticks
FROM counter_event e
WHERE e.time >= %(low)s AND e.time < %(high)s
ORDER BY e.series_id, e.time
