-- In order, so that one silence ends before the next of the same device begins: only one may last.
INSERT INTO silence AS old (kind, who, started_at, ended_at, last_reading_at, interval_us, allowed_us, devices, noticed_at, detail, partition)
SELECT kind, who, started_at, ended_at, last_reading_at, interval_us, allowed_us, devices, %(noticed)s, detail, %(partition)s
FROM stage_silence
WHERE NOT absorbed
ORDER BY position
ON CONFLICT (kind, who, started_at) DO UPDATE
SET ended_at = excluded.ended_at, detail = excluded.detail
WHERE (old.ended_at, old.detail) IS DISTINCT FROM (excluded.ended_at, excluded.detail)
