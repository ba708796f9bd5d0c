-- As kpi_sums, of hours of the city's clock on days of the week only, and of those only the hours that have their share of
-- the readings promised, after what is excluded is gone.
SELECT w.series_id, sum(greatest(w.count - coalesce(e.count, 0), 0)),
       coalesce(min(coalesce(e.low, w.low)) FILTER (WHERE w.count > coalesce(e.count, 0)), 0),
       coalesce(max(coalesce(e.high, w.high)) FILTER (WHERE w.count > coalesce(e.count, 0)), 0),
       sum(w.sum_0 - coalesce(e.sum_0, 0)), sum(w.sum_1 - coalesce(e.sum_1, 0)), sum(w.sum_2 - coalesce(e.sum_2, 0)),
       sum(w.sum_3 - coalesce(e.sum_3, 0))
FROM window_hour w
JOIN unnest(%(series)s::int[], %(promised)s::int8[]) p (series_id, promised) USING (series_id)
LEFT JOIN window_excluded e USING (series_id, start)
WHERE w.series_id = ANY(%(series)s) AND w.start >= %(low)s AND w.start < %(high)s
  AND extract(hour FROM w.start AT TIME ZONE %(zone)s)::int = ANY(%(hours)s)
  AND extract(isodow FROM w.start AT TIME ZONE %(zone)s)::int = ANY(%(weekdays)s)
  AND 100 * greatest(w.count - coalesce(e.count, 0), 0) >= %(percent_min)s * least(w.expected, p.promised)
GROUP BY w.series_id
