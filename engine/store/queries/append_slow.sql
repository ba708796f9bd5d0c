-- Store those that are new, and say which they were.
WITH s AS MATERIALIZED (
    SELECT *
    FROM :rows_observation
),
fresh AS (
    INSERT INTO observation (time, ticks, series_id, flags)
    SELECT time, ticks, series_id, flags
    FROM s
    ORDER BY series_id, time
    ON CONFLICT (series_id, time) DO NOTHING
    RETURNING series_id, time
)
SELECT string_agg(int4send(s.key), ''::bytea)
FROM fresh
JOIN s USING (series_id, time)
