-- How many observations each series has in a stretch of time.
SELECT series_id, count(*)
FROM observation
WHERE time >= %(low)s AND time < %(high)s
GROUP BY series_id
