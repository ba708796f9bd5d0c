SELECT start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, revision
FROM window_hour
WHERE series_id = %(series)s AND start >= %(low)s AND start < %(high)s
ORDER BY start
LIMIT %(limit)s
