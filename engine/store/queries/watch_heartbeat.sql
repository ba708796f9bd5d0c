INSERT INTO listening AS old (partition, heard_to, listened_us, stopped, trimmed, written_at)
VALUES (%(partition)s, %(heard_to)s, %(listened_us)s, %(stopped)s, %(trimmed)s, clock_timestamp())
ON CONFLICT (partition) DO UPDATE
SET heard_to = excluded.heard_to, listened_us = excluded.listened_us, stopped = excluded.stopped,
    trimmed = old.trimmed + excluded.trimmed, written_at = excluded.written_at
