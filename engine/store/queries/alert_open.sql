INSERT INTO alert (
    rule, kind, scope_kind, scope, severity, title, detail, subject, start, value, limit_value, unit, grouped, members, examples,
    opened_at, updated_at, cause, acknowledged_by, shelved_until, shelved_by
)
VALUES (
    %(rule)s, %(kind)s, %(scope_kind)s, %(scope)s, %(severity)s, %(title)s, %(detail)s, %(subject)s, %(start)s, %(value)s, %(limit)s,
    %(unit)s, %(grouped)s, %(members)s, %(examples)s, %(opened)s, %(updated)s, '', '', %(shelved_until)s, %(shelved_by)s
)
RETURNING alert_id
