-- The watermark has passed these windows: what was provisional is now their first closed result. By series, since that
-- is what the index begins with.
UPDATE bucket_minute AS w
SET revision = 1
FROM series AS s
WHERE w.series_id = s.series_id
    AND w.start >= %(low)s
    AND w.start < %(high)s
    AND w.revision = 0
