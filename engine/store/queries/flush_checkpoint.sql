INSERT INTO checkpoint AS old (partition, mark, commit_id, written_at)
VALUES (%(partition)s, %(mark)s, %(through)s, clock_timestamp())
ON CONFLICT (partition) DO UPDATE
SET mark = excluded.mark, commit_id = greatest(old.commit_id, excluded.commit_id), written_at = excluded.written_at
