-- Alerts as records, the newest first; whatever is null asks for nothing.
SELECT a.alert_id, a.rule, a.kind, CASE WHEN a.scope_kind = 'city' THEN 'city' ELSE a.scope_kind || ':' || a.scope END,
       a.severity, a.title, a.detail, a.subject, a.start, a.value, a.limit_value, a.unit, a.grouped, a.members, a.examples,
       a.opened_at, a.updated_at, a.cleared_at, a.cause, a.acknowledged_at, a.acknowledged_by, a.escalated_at, a.shelved_until,
       a.shelved_by
FROM alert a
WHERE (%(ids)s::bigint[] IS NULL OR a.alert_id = ANY(%(ids)s::bigint[]))
  AND (%(before)s::bigint IS NULL OR a.alert_id < %(before)s::bigint)
  AND (%(severity)s::text IS NULL OR a.severity = %(severity)s::text)
  AND (%(rule)s::text IS NULL OR a.rule = %(rule)s::text)
  AND (%(scope)s::text IS NULL
       OR CASE WHEN a.scope_kind = 'city' THEN 'city' ELSE a.scope_kind || ':' || a.scope END = %(scope)s::text)
  AND (%(state)s::text IS NULL
       OR %(state)s::text = 'standing' AND a.cleared_at IS NULL
       OR %(state)s::text = 'cleared' AND a.cleared_at IS NOT NULL
       OR %(state)s::text = 'shelved' AND a.cleared_at IS NULL AND a.shelved_until > %(now)s
       OR %(state)s::text = 'acknowledged' AND a.cleared_at IS NULL AND a.acknowledged_at IS NOT NULL
          AND coalesce(a.shelved_until <= %(now)s, true)
       OR %(state)s::text = 'open' AND a.cleared_at IS NULL AND a.acknowledged_at IS NULL
          AND coalesce(a.shelved_until <= %(now)s, true))
ORDER BY a.alert_id DESC
LIMIT %(limit)s
