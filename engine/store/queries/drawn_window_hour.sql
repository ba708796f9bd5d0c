-- Windows of one series merged into columns of one width: sums of bigint are numeric, so nothing overflows.
SELECT time_bucket(%(width_us)s::bigint * INTERVAL '1 microsecond', start, %(origin)s) AS column_start, sum(count),
       min(low) FILTER (WHERE count > 0), max(high) FILTER (WHERE count > 0), sum(sum_0), sum(sum_1),
       sum(sum_2), sum(sum_3), sum(expected)
FROM window_hour
WHERE series_id = %(series)s AND start >= %(low)s AND start < %(high)s
GROUP BY column_start
ORDER BY column_start
