-- Figures of the hours of which nothing is excluded any more, because no rule holds for their series.
WITH gone AS (
    DELETE FROM window_excluded
    WHERE series_id = ANY(%(known)s::int[]) AND series_id <> ALL(%(judged)s::int[])
    RETURNING series_id, start
)
INSERT INTO quality_changed (start, series_id)
SELECT start, series_id
FROM gone
ORDER BY series_id, start
