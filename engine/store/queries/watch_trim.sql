DELETE FROM silence
WHERE ended_at < %(before)s
    OR silence_id <= (SELECT max(silence_id) FROM silence) - %(rows_max)s::bigint AND ended_at IS NOT NULL
