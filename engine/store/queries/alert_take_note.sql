UPDATE alert
SET acknowledged_at = %(at)s, acknowledged_by = %(who)s
WHERE alert_id = %(alert_id)s AND cleared_at IS NULL AND acknowledged_at IS NULL
