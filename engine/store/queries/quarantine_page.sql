SELECT quarantine_id, received_at, reason, topic, device, detail, readings, payload_bytes, payload, commit_id
FROM quarantine
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(device)s::text IS NULL OR device = %(device)s)
  AND quarantine_id < %(before)s
ORDER BY quarantine_id DESC
LIMIT %(limit)s
