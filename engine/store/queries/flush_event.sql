INSERT INTO counter_event AS old (series_id, time, kind, before_ticks, after_ticks, decided_at)
SELECT series_id, time, kind, before_ticks, after_ticks, %(computed)s
FROM :rows_event
ON CONFLICT (series_id, time) DO UPDATE
SET kind = excluded.kind, before_ticks = excluded.before_ticks, after_ticks = excluded.after_ticks, decided_at = excluded.decided_at
WHERE (old.kind, old.before_ticks, old.after_ticks) IS DISTINCT FROM (excluded.kind, excluded.before_ticks, excluded.after_ticks)
