-- How many observations lie between each edge and the next one; the first edge counts as 1.
SELECT width_bucket(time, %(edges)s::timestamptz[]), count(*)
FROM observation
WHERE time >= %(low)s AND time < %(high)s
GROUP BY 1
