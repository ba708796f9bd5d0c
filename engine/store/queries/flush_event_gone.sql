-- Events inside the spans that were decided anew, and that are no longer among the decisions.
DELETE FROM counter_event e
USING unnest(%(from)s::timestamptz[], %(to)s::timestamptz[], %(series)s::int[]) s (low, high, series_id)
WHERE e.series_id = s.series_id AND e.time >= s.low AND e.time < s.high
  AND NOT EXISTS (
    SELECT
    FROM :rows_event
    WHERE n.series_id = e.series_id AND n.time = e.time
  )
