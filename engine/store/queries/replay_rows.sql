-- Rows by their key, so that each is read once however many pages there are.
SELECT quarantine_id, received_at, reason, topic, device, detail, readings, payload_bytes, payload, commit_id
FROM quarantine
WHERE quarantine_id > %(after)s AND quarantine_id <= %(through)s
ORDER BY quarantine_id
LIMIT %(limit)s
