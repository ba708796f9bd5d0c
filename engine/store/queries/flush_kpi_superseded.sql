-- Keep what was published of closed years before it is replaced. Run before flush_kpi, in the same transaction.
INSERT INTO kpi_revision (
    data_point, horizon, "year", scope_id, "start", "end", unit, value, effective, ratio, numerator, denominator, reason,
    received, expected, validity, definition, facts, inputs, revision, computed_at, change, superseded_at,
    low_ratio, high_ratio
)
SELECT o.data_point, o.horizon, o."year", o.scope_id, o."start", o."end", o.unit, o.value, o.effective, o.ratio, o.numerator,
       o.denominator, o.reason, o.received, o.expected, o.validity, o.definition, o.facts, o.inputs, o.revision, o.computed_at,
       CASE
           WHEN o.definition <> s.definition THEN 'definition changed'
           WHEN o.facts <> s.facts THEN 'registers or devices changed'
           ELSE 'late data'
       END,
       %(computed)s, o.low_ratio, o.high_ratio
FROM stage_kpi s
JOIN kpi_value o USING (horizon, "year", scope_id, data_point)
WHERE o.revision >= 1
  AND (o."start", o."end", o.unit, o.value, o.effective, o.ratio, o.numerator, o.denominator, o.reason, o.received, o.expected,
       o.validity, o.definition, o.facts, o.inputs)
      IS DISTINCT FROM
      (s."start", s."end", s.unit, s.value, s.effective, s.ratio, s.numerator, s.denominator, s.reason, s.received, s.expected,
       s.validity, s.definition, s.facts, s.inputs)
ON CONFLICT DO NOTHING
