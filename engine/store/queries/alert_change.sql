-- What the system changes; what people changed stays theirs, but for a shelf that came to its end.
UPDATE alert
SET severity = %(severity)s, title = %(title)s, detail = %(detail)s, subject = %(subject)s, start = %(start)s, value = %(value)s,
    limit_value = %(limit)s, unit = %(unit)s, members = %(members)s, examples = %(examples)s, updated_at = %(updated)s,
    cleared_at = %(cleared)s, cause = %(cause)s, escalated_at = %(escalated)s, shelved_until = %(shelved_until)s,
    shelved_by = %(shelved_by)s
WHERE alert_id = %(alert_id)s AND cleared_at IS NULL
