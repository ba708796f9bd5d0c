-- Exact sums over a period, whole days first and the hours of an unfinished one after them: sum() of bigint is numeric,
-- so nothing overflows. A series of which anything is excluded in the period is summed up from its hours, less that.
WITH less AS (
    SELECT DISTINCT series_id
    FROM window_excluded
    WHERE series_id = ANY(%(series)s) AND start >= %(low)s AND start < %(high)s
)
SELECT series_id, sum(count), coalesce(min(low) FILTER (WHERE count > 0), 0), coalesce(max(high) FILTER (WHERE count > 0), 0),
       sum(sum_0), sum(sum_1), sum(sum_2), sum(sum_3)
FROM (
    SELECT series_id, count, low, high, sum_0, sum_1, sum_2, sum_3
    FROM window_day
    WHERE series_id = ANY(%(series)s) AND start >= %(low)s AND start < %(middle)s
      AND series_id NOT IN (SELECT series_id FROM less)
    UNION ALL
    SELECT series_id, count, low, high, sum_0, sum_1, sum_2, sum_3
    FROM window_hour
    WHERE series_id = ANY(%(series)s) AND start >= %(middle)s AND start < %(high)s
      AND series_id NOT IN (SELECT series_id FROM less)
    UNION ALL
    SELECT w.series_id, greatest(w.count - coalesce(e.count, 0), 0), coalesce(e.low, w.low), coalesce(e.high, w.high),
           w.sum_0 - coalesce(e.sum_0, 0), w.sum_1 - coalesce(e.sum_1, 0), w.sum_2 - coalesce(e.sum_2, 0),
           w.sum_3 - coalesce(e.sum_3, 0)
    FROM window_hour w
    LEFT JOIN window_excluded e USING (series_id, start)
    WHERE w.series_id IN (SELECT series_id FROM less) AND w.start >= %(low)s AND w.start < %(high)s
) w
GROUP BY series_id
