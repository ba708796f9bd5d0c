-- The newest observation of each series, from the log itself, packed as parts are, some thousand series in a row.
SELECT string_agg(int4send(s.series_id) || timestamptz_send(o.time) || int8send(o.ticks), ''::bytea ORDER BY s.series_id)
FROM series s
CROSS JOIN LATERAL (
    SELECT time, ticks
    FROM observation
    WHERE series_id = s.series_id
    ORDER BY time DESC
    LIMIT 1
) o
WHERE s.seen
GROUP BY s.series_id / 4096
ORDER BY s.series_id / 4096
