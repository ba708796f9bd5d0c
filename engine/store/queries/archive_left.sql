INSERT INTO archived (until, dropped_to, folder)
VALUES (%(until)s, %(before)s, %(folder)s)
ON CONFLICT (until) DO UPDATE SET dropped_to = excluded.dropped_to, folder = excluded.folder, archived_at = now()
