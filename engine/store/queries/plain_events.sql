-- As plain_windows, for what was decided about counters that went down.
WITH
facts AS MATERIALIZED (
    SELECT f.series_id, f.modulus, f.rate, m.kind, m.step, m.low_ticks, m.high_ticks, s.interval_us, d.code, s.field,
           coalesce(d.in_service_from, '-infinity') AS in_service_from, coalesce(d.in_service_to, 'infinity') AS in_service_to
    FROM unnest(%(series)s::int[], %(modulus)s::bigint[], %(rate)s::bigint[]) AS f (series_id, modulus, rate)
    JOIN series s USING (series_id)
    JOIN device d USING (device_id)
    JOIN measurand m USING (measurand_id)
),
reading AS MATERIALIZED (
    SELECT series_id, o.time, o.ticks, f.kind, f.step
    FROM observation o
    JOIN facts f USING (series_id)
    WHERE o.time >= %(low)s AND o.time < %(high)s AND o.ticks BETWEEN f.low_ticks AND f.high_ticks
),
-- Neighbouring readings of counters and states, of which at least a part lies in the stretch.
ordered AS (
    SELECT series_id, time, ticks FROM reading WHERE kind IN ('counter', 'state')
    UNION ALL
    SELECT f.series_id, o.time, o.ticks
    FROM facts f
    CROSS JOIN LATERAL (
        SELECT time, ticks
        FROM observation
        WHERE series_id = f.series_id AND time < %(low)s AND ticks BETWEEN f.low_ticks AND f.high_ticks
        ORDER BY time DESC
        LIMIT 1
    ) o
    WHERE f.kind IN ('counter', 'state')
    UNION ALL
    SELECT f.series_id, o.time, o.ticks
    FROM facts f
    CROSS JOIN LATERAL (
        SELECT time, ticks
        FROM observation
        WHERE series_id = f.series_id AND time >= %(high)s AND ticks BETWEEN f.low_ticks AND f.high_ticks
        ORDER BY time
        LIMIT 1
    ) o
    WHERE f.kind IN ('counter', 'state')
),
pair AS (
    SELECT *, extract(epoch FROM t1 - t0) * 1000000 AS elapsed_us
    FROM (
        SELECT series_id, lag(time) OVER w AS t0, lag(ticks) OVER w AS v0, time AS t1, ticks AS v1
        FROM ordered
        WINDOW w AS (PARTITION BY series_id ORDER BY time)
    ) p
    WHERE t0 IS NOT NULL
),
-- What a counter that went down did: it rolled over, it ran backwards (dip), or it was set to zero (reset).
judged AS (
    SELECT p.*, f.modulus, v1 + f.modulus - v0 AS over,
           f.rate <= 0 OR v1 + f.modulus - v0 <= f.rate * ceil(elapsed_us / 3600000000) AS over_plausible,
           f.rate <= 0 OR v1 <= f.rate * ceil(elapsed_us / 3600000000) AS v1_plausible, f.rate
    FROM pair p
    JOIN facts f USING (series_id)
    WHERE f.kind = 'counter'
),
named AS (
    SELECT *,
           CASE
               WHEN v1 >= v0 THEN NULL
               WHEN modulus > 0 AND over BETWEEN 0 AND v0 - v1 AND over_plausible AND (rate > 0 OR over <= modulus / 10)
               THEN 'rollover'
               WHEN v1 > 0 AND v1 > v0 - v1 THEN 'dip'
               ELSE 'reset'
           END AS decision
    FROM judged
),
told AS (
    SELECT 'counter_event' AS name, series_id, t1 AS start,
           concat_ws(E'\t', f.code, f.field, (extract(epoch FROM t1) * 1000000)::bigint, decision, v0, v1) AS line
    FROM named
    JOIN facts f USING (series_id)
    WHERE decision IS NOT NULL AND t1 >= %(low)s AND t1 < %(high)s
),
stored AS (
    SELECT 'counter_event' AS name, series_id, time AS start,
           concat_ws(E'\t', f.code, f.field, (extract(epoch FROM time) * 1000000)::bigint, e.kind, before_ticks, after_ticks) AS line
    FROM counter_event e
    JOIN facts f USING (series_id)
    WHERE time >= %(low)s AND time < %(high)s
)
SELECT name, NULL AS found, count(*)::text AS wanted FROM told GROUP BY name
UNION ALL
SELECT name, coalesce(s.line, ''), coalesce(t.line, '')
FROM told t
FULL JOIN stored s USING (name, series_id, start)
WHERE t.line IS DISTINCT FROM s.line
