UPDATE alert
SET shelved_until = %(until)s, shelved_by = %(who)s
WHERE alert_id = %(alert_id)s AND (cleared_at IS NULL OR %(until)s::timestamptz IS NULL)
