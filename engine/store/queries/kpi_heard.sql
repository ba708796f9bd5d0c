-- On which day each series was last heard, within a stretch of time.
SELECT series_id, max(start)
FROM window_day
WHERE start >= %(low)s AND start < %(high)s AND count > 0
GROUP BY series_id
