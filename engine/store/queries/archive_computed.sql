-- First instants of the civil days of a stretch of time for which figures of at least one observation are stored.
SELECT DISTINCT start
FROM window_day
WHERE start >= %(low)s AND start < %(high)s AND count > 0
ORDER BY start
