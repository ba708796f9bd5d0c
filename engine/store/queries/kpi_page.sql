-- How many figures there are of what is asked for, beside each of some of them, by data point, scope and period; a single
-- row of nothing else where none of them is wanted.
WITH found AS MATERIALIZED (
    SELECT v.data_point, v.horizon, coalesce(v."year", 0) AS "year", v.scope_kind, v.scope, v."start", v."end", v.ratio, v.reason,
           v.received, v.expected, v.validity, v.revision, v.computed_at, v.low_ratio, v.high_ratio
    FROM v_kpi_value v
    WHERE v.data_point = ANY(%(points)s::text[])
      AND (%(all)s OR (v.data_point, v.scope_kind, v.scope, v.horizon, coalesce(v."year", 0)) IN (
          SELECT *
          FROM unnest(
              %(data_points)s::text[], %(kinds)s::text[], %(scopes)s::text[], %(horizons)s::text[], %(years)s::int[]
          )
      ))
), page AS (
    SELECT *
    FROM found
    ORDER BY data_point, scope_kind, scope, horizon, "year"
    LIMIT %(limit)s OFFSET %(offset)s
)
SELECT c.count, p.*
FROM (SELECT count(*) FROM found) c
LEFT JOIN page p ON true
ORDER BY p.data_point, p.scope_kind, p.scope, p.horizon, p."year"
