-- Exact sums over a period, less what is excluded: sum() of bigint is numeric, so nothing overflows.
SELECT d.code, s.field, m.code, m.kind, m.unit, m.decimals::int, count(*), sum(greatest(w.count - coalesce(e.count, 0), 0)),
       sum(w.expected),
       coalesce(min(coalesce(e.low, w.low)) FILTER (WHERE w.count > coalesce(e.count, 0)), 0),
       coalesce(max(coalesce(e.high, w.high)) FILTER (WHERE w.count > coalesce(e.count, 0)), 0),
       sum(w.sum_0 - coalesce(e.sum_0, 0)), sum(w.sum_1 - coalesce(e.sum_1, 0)), sum(w.sum_2 - coalesce(e.sum_2, 0)),
       sum(w.sum_3 - coalesce(e.sum_3, 0)), s.interval_us, d.in_service_from, d.in_service_to
FROM window_hour w
LEFT JOIN window_excluded e USING (series_id, start)
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE w.start >= %(low)s AND w.start < %(high)s
GROUP BY d.code, s.field, m.code, m.kind, m.unit, m.decimals, s.interval_us, d.in_service_from, d.in_service_to
ORDER BY d.code, s.field, m.code
