-- Exact sums over a period, whole days first and the hours of an unfinished one after them: sum() of bigint is numeric,
-- so nothing overflows.
SELECT series_id, sum(count), coalesce(min(low) FILTER (WHERE count > 0), 0), coalesce(max(high) FILTER (WHERE count > 0), 0),
       sum(sum_0), sum(sum_1), sum(sum_2), sum(sum_3)
FROM (
    SELECT series_id, count, low, high, sum_0, sum_1, sum_2, sum_3
    FROM window_day
    WHERE series_id = ANY(%(series)s) AND start >= %(low)s AND start < %(middle)s
    UNION ALL
    SELECT series_id, count, low, high, sum_0, sum_1, sum_2, sum_3
    FROM window_hour
    WHERE series_id = ANY(%(series)s) AND start >= %(middle)s AND start < %(high)s
) w
GROUP BY series_id
