INSERT INTO city AS old (code, title, time_zone) VALUES (%(code)s, %(title)s, %(time_zone)s)
ON CONFLICT (only_row) DO UPDATE SET title = excluded.title, registered_at = now()
WHERE old.code = excluded.code
