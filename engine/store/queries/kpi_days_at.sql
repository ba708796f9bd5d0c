-- Cells of civil days, of hours of the city's clock on days of the week only, and of those only the hours that have their
-- share of the readings promised, after what is excluded is gone. A day's sums fit 64 bits, as those of window_day do.
SELECT string_agg(int4send(d.series_id) || timestamptz_send(d.day) || int8send(d.count) || int8send(d.low) || int8send(d.high) ||
       int8send(d.sum_0) || int8send(d.sum_1) || int8send(d.sum_2) || int8send(d.sum_3) ||
       int8send(0) || int4send(0), ''::bytea)
FROM (
    SELECT w.series_id, date_trunc('day', w.start, %(zone)s) AS day,
           sum(greatest(w.count - coalesce(e.count, 0), 0))::int8 AS count,
           coalesce(min(coalesce(e.low, w.low)) FILTER (WHERE w.count > coalesce(e.count, 0)), 0) AS low,
           coalesce(max(coalesce(e.high, w.high)) FILTER (WHERE w.count > coalesce(e.count, 0)), 0) AS high,
           sum(w.sum_0 - coalesce(e.sum_0, 0))::int8 AS sum_0, sum(w.sum_1 - coalesce(e.sum_1, 0))::int8 AS sum_1,
           sum(w.sum_2 - coalesce(e.sum_2, 0))::int8 AS sum_2, sum(w.sum_3 - coalesce(e.sum_3, 0))::int8 AS sum_3
    FROM window_hour w
    JOIN unnest(%(series)s::int[], %(promised)s::int8[]) p (series_id, promised) USING (series_id)
    LEFT JOIN window_excluded e USING (series_id, start)
    WHERE w.series_id = ANY(%(series)s) AND w.start >= %(low)s AND w.start < %(high)s
      AND extract(hour FROM w.start AT TIME ZONE %(zone)s)::int = ANY(%(hours)s)
      AND extract(isodow FROM w.start AT TIME ZONE %(zone)s)::int = ANY(%(weekdays)s)
      AND 100 * greatest(w.count - coalesce(e.count, 0), 0) >= %(percent_min)s * least(w.expected, p.promised)
    GROUP BY w.series_id, day
) d
GROUP BY d.series_id
