-- The newest observation of each series before a time, from what is here now; what left before stays unless there is a newer one.
INSERT INTO archived_last (time, ticks, series_id, flags)
SELECT o.time, o.ticks, s.series_id, o.flags
FROM series s
CROSS JOIN LATERAL (
    SELECT time, ticks, flags
    FROM observation
    WHERE series_id = s.series_id AND time < %(before)s
    ORDER BY time DESC
    LIMIT 1
) o
ON CONFLICT (series_id) DO UPDATE SET time = excluded.time, ticks = excluded.ticks, flags = excluded.flags
