-- Exact sums over a period: sum() of bigint is numeric, so nothing overflows.
SELECT d.code, s.field, m.code, m.kind, m.unit, m.decimals::int, count(*), sum(w.count), sum(w.expected),
       coalesce(min(w.low) FILTER (WHERE w.count > 0), 0), coalesce(max(w.high) FILTER (WHERE w.count > 0), 0),
       sum(w.sum_0), sum(w.sum_1), sum(w.sum_2), sum(w.sum_3), s.interval_us, d.in_service_from, d.in_service_to
FROM window_hour w
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE w.start >= %(low)s AND w.start < %(high)s
GROUP BY d.code, s.field, m.code, m.kind, m.unit, m.decimals, s.interval_us, d.in_service_from, d.in_service_to
ORDER BY d.code, s.field, m.code
