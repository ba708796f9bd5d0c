-- Until when observations left for an archive, and where they are.
SELECT until, dropped_to, folder
FROM archived
ORDER BY until DESC
LIMIT 1
