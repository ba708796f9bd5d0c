-- As kpi_sums, of hours of the city's clock on days of the week only.
SELECT series_id, sum(count), coalesce(min(low) FILTER (WHERE count > 0), 0), coalesce(max(high) FILTER (WHERE count > 0), 0),
       sum(sum_0), sum(sum_1), sum(sum_2), sum(sum_3)
FROM window_hour
WHERE series_id = ANY(%(series)s) AND start >= %(low)s AND start < %(high)s
  AND extract(hour FROM start AT TIME ZONE %(zone)s)::int = ANY(%(hours)s)
  AND extract(isodow FROM start AT TIME ZONE %(zone)s)::int = ANY(%(weekdays)s)
GROUP BY series_id
