-- Hours and days computed from the observations by plain SQL, and where they differ from those stored. Nothing of the
-- program takes part but the rule itself and two facts of the models, modulus and greatest rate of a counter.
WITH
facts AS MATERIALIZED (
    SELECT f.series_id, f.modulus, f.rate, m.kind, m.step, m.low_ticks, m.high_ticks, s.interval_us, d.code, s.field,
           coalesce(d.in_service_from, '-infinity') AS in_service_from, coalesce(d.in_service_to, 'infinity') AS in_service_to
    FROM unnest(%(series)s::int[], %(modulus)s::bigint[], %(rate)s::bigint[]) AS f (series_id, modulus, rate)
    JOIN series s USING (series_id)
    JOIN device d USING (device_id)
    JOIN measurand m USING (measurand_id)
),
-- An hour begins where the city's clock shows a whole one, and where its offset changes; the last edge is the end.
edge AS MATERIALIZED (
    SELECT array_agg(t ORDER BY t) AS starts, count(*)::int - 1 AS hours
    FROM city c
    CROSS JOIN generate_series(%(low)s::timestamptz, %(high)s::timestamptz, INTERVAL '15 minutes') t
    WHERE extract(minute FROM t AT TIME ZONE c.time_zone) = 0
       OR (t AT TIME ZONE c.time_zone) - ((t - INTERVAL '15 minutes') AT TIME ZONE c.time_zone) <> INTERVAL '15 minutes'
),
span AS MATERIALIZED (
    SELECT i AS hour, starts[i] AS start, starts[i + 1] AS stop,
           min(starts[i]) OVER d AS day_start, max(starts[i + 1]) OVER d AS day_stop
    FROM edge
    CROSS JOIN city c
    CROSS JOIN generate_series(1, hours) i
    WINDOW d AS (PARTITION BY (starts[i] AT TIME ZONE c.time_zone)::date)
),
reading AS MATERIALIZED (
    SELECT series_id, o.time, o.ticks, f.kind, f.step
    FROM observation o
    JOIN facts f USING (series_id)
    WHERE o.time >= %(low)s AND o.time < %(high)s AND o.ticks BETWEEN f.low_ticks AND f.high_ticks
),
-- 8 * 10^(L/10) to the nearest integer: with forty decimals, which is far more than the rounding needs.
energy AS MATERIALIZED (
    SELECT ticks, step, round(8 * power(10::numeric, (ticks * step / 10)::numeric(60, 40)))::bigint AS energy
    FROM (SELECT DISTINCT ticks, step FROM reading WHERE kind = 'level') l
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
risen AS (
    SELECT *,
           CASE decision
               WHEN 'rollover' THEN over
               WHEN 'reset' THEN CASE WHEN v1 >= 0 AND v1_plausible THEN v1 ELSE 0 END
               ELSE v1 - v0
           END AS rise
    FROM named
),
-- A share is the interpolated value at the later edge less that at the earlier one, each to the nearest, ties to even.
share AS (
    SELECT r.series_id, h AS hour, sign(rise::numeric) * (later.value - earlier.value) AS share
    FROM risen r
    CROSS JOIN edge
    CROSS JOIN LATERAL generate_series(
        greatest(width_bucket(t0, starts), 1), least(width_bucket(t1 - INTERVAL '1 microsecond', starts), hours)
    ) h
    CROSS JOIN LATERAL (
        SELECT abs(rise) * extract(epoch FROM greatest(starts[h], t0) - t0) * 1000000 AS from_product,
               abs(rise) * extract(epoch FROM least(starts[h + 1], t1) - t0) * 1000000 AS to_product
    ) x
    CROSS JOIN LATERAL (
        SELECT q + CASE WHEN 2 * m > elapsed_us OR (2 * m = elapsed_us AND mod(q, 2) = 1) THEN 1 ELSE 0 END AS value
        FROM (SELECT div(from_product, elapsed_us) AS q, mod(from_product, elapsed_us) AS m) y
    ) earlier
    CROSS JOIN LATERAL (
        SELECT q + CASE WHEN 2 * m > elapsed_us OR (2 * m = elapsed_us AND mod(q, 2) = 1) THEN 1 ELSE 0 END AS value
        FROM (SELECT div(to_product, elapsed_us) AS q, mod(to_product, elapsed_us) AS m) y
    ) later
),
-- A state is believed until the next reading, three reporting intervals at most.
held AS (
    SELECT p.series_id, p.v0, p.t0, least(p.t1, p.t0 + f.interval_us * INTERVAL '3 microseconds') AS t1
    FROM pair p
    JOIN facts f USING (series_id)
    WHERE f.kind = 'state'
),
lasted AS (
    SELECT series_id, h AS hour, v0,
           extract(epoch FROM least(starts[h + 1], t1) - greatest(starts[h], t0)) * 1000000 AS us
    FROM held
    CROSS JOIN edge
    CROSS JOIN LATERAL generate_series(
        greatest(width_bucket(t0, starts), 1), least(width_bucket(t1 - INTERVAL '1 microsecond', starts), hours)
    ) h
),
part (series_id, hour, count, low, high, sum_0, sum_1, sum_2, sum_3) AS (
    SELECT r.series_id, width_bucket(r.time, e.starts), 1, r.ticks, r.ticks,
           CASE r.kind
               WHEN 'gauge' THEN r.ticks
               WHEN 'event' THEN r.ticks
               WHEN 'level' THEN n.energy
               WHEN 'angle' THEN round(cosd(r.ticks * r.step) * 1073741824)::bigint
               ELSE 0
           END,
           CASE r.kind WHEN 'angle' THEN round(sind(r.ticks * r.step) * 1073741824)::bigint ELSE 0 END, 0, 0
    FROM reading r
    CROSS JOIN edge e
    LEFT JOIN energy n ON r.kind = 'level' AND n.ticks = r.ticks AND n.step = r.step
    UNION ALL
    SELECT series_id, hour, 0, NULL, NULL, share, 0, 0, 0 FROM share
    UNION ALL
    SELECT series_id, hour, 0, NULL, NULL, CASE v0 WHEN 0 THEN us ELSE 0 END, CASE v0 WHEN 1 THEN us ELSE 0 END,
           CASE v0 WHEN 2 THEN us ELSE 0 END, CASE v0 WHEN 3 THEN us ELSE 0 END
    FROM lasted
),
hourly AS MATERIALIZED (
    SELECT series_id, hour, sum(count) AS count, min(low) AS low, max(high) AS high,
           sum(sum_0) AS sum_0, sum(sum_1) AS sum_1, sum(sum_2) AS sum_2, sum(sum_3) AS sum_3
    FROM part
    GROUP BY series_id, hour
),
wanted AS (
    SELECT 'window_hour' AS name, h.series_id, s.start, s.stop, count, low, high, sum_0, sum_1, sum_2, sum_3
    FROM hourly h
    JOIN span s USING (hour)
    UNION ALL
    SELECT 'window_day', h.series_id, s.day_start, s.day_stop, sum(count), min(low), max(high),
           sum(sum_0), sum(sum_1), sum(sum_2), sum(sum_3)
    FROM hourly h
    JOIN span s USING (hour)
    GROUP BY h.series_id, s.day_start, s.day_stop
),
told AS (
    SELECT w.name, w.series_id, w.start,
           concat_ws(E'\t', f.code, f.field, (extract(epoch FROM w.start) * 1000000)::bigint, count, coalesce(low, 0),
                     coalesce(high, 0), sum_0::bigint, sum_1::bigint, sum_2::bigint, sum_3::bigint,
                     CASE WHEN f.interval_us > 0 AND x.due_us > 0 THEN div(x.due_us + f.interval_us - 1, f.interval_us)::bigint
                          ELSE 0 END
           ) AS line
    FROM wanted w
    JOIN facts f USING (series_id)
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM upto - since) * 1000000 AS due_us
        FROM (SELECT greatest(w.start, f.in_service_from) AS since, least(w.stop, f.in_service_to) AS upto) y
    ) x
    WHERE (count, sum_0, sum_1, sum_2, sum_3) <> (0, 0, 0, 0, 0)
),
stored AS (
    SELECT name, series_id, start,
           concat_ws(E'\t', f.code, f.field, (extract(epoch FROM start) * 1000000)::bigint, count, low, high,
                     sum_0, sum_1, sum_2, sum_3, expected) AS line
    FROM (
        SELECT 'window_hour' AS name, * FROM window_hour WHERE start >= %(low)s AND start < %(high)s
        UNION ALL
        SELECT 'window_day', * FROM window_day WHERE start >= %(low)s AND start < %(high)s
    ) w
    JOIN facts f USING (series_id)
    WHERE (count, sum_0, sum_1, sum_2, sum_3) <> (0, 0, 0, 0, 0)
)
SELECT name, NULL AS found, count(*)::text AS wanted FROM told GROUP BY name
UNION ALL
SELECT name, coalesce(s.line, ''), coalesce(t.line, '')
FROM told t
FULL JOIN stored s USING (name, series_id, start)
WHERE t.line IS DISTINCT FROM s.line
