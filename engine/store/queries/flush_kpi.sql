-- Revisions as those of indicators. The same figure computed again is not written, and one that only closes keeps the time
-- since when it has stood; so does one of which only the bounds change.
INSERT INTO kpi_value AS old (
    data_point, horizon, "year", scope_id, "start", "end", unit, value, effective, ratio, numerator, denominator, reason,
    received, expected, validity, definition, facts, inputs, revision, computed_at, low_ratio,
    high_ratio
)
SELECT data_point, horizon, "year", scope_id, "start", "end", unit, value, effective, ratio, numerator, denominator, reason,
       received, expected, validity, definition, facts, inputs, revision, %(computed)s, low_ratio,
       high_ratio
FROM stage_kpi
ORDER BY horizon, "year", scope_id, data_point
ON CONFLICT (horizon, "year", scope_id, data_point) DO UPDATE
SET "start" = excluded."start", "end" = excluded."end", unit = excluded.unit, value = excluded.value,
    effective = excluded.effective, ratio = excluded.ratio, numerator = excluded.numerator,
    denominator = excluded.denominator, reason = excluded.reason, received = excluded.received,
    expected = excluded.expected, validity = excluded.validity, definition = excluded.definition, facts = excluded.facts,
    inputs = excluded.inputs, low_ratio = excluded.low_ratio, high_ratio = excluded.high_ratio,
    computed_at = CASE
        WHEN (old."start", old."end", old.unit, old.value, old.effective, old.ratio, old.numerator, old.denominator,
              old.reason, old.received, old.expected, old.validity, old.definition, old.facts, old.inputs)
             IS DISTINCT FROM
             (excluded."start", excluded."end", excluded.unit, excluded.value, excluded.effective, excluded.ratio,
              excluded.numerator, excluded.denominator, excluded.reason, excluded.received, excluded.expected,
              excluded.validity, excluded.definition, excluded.facts, excluded.inputs)
        THEN excluded.computed_at
        ELSE old.computed_at
    END,
    revision = CASE
        WHEN old.revision = 0 THEN excluded.revision
        WHEN (old."start", old."end", old.unit, old.value, old.effective, old.ratio, old.numerator, old.denominator,
              old.reason, old.received, old.expected, old.validity, old.definition, old.facts, old.inputs)
             IS DISTINCT FROM
             (excluded."start", excluded."end", excluded.unit, excluded.value, excluded.effective, excluded.ratio,
              excluded.numerator, excluded.denominator, excluded.reason, excluded.received, excluded.expected,
              excluded.validity, excluded.definition, excluded.facts, excluded.inputs)
        THEN old.revision + 1
        ELSE old.revision
    END
WHERE (old."start", old."end", old.unit, old.value, old.effective, old.ratio, old.numerator, old.denominator,
       old.reason, old.received, old.expected, old.validity, old.definition, old.facts, old.inputs)
      IS DISTINCT FROM
      (excluded."start", excluded."end", excluded.unit, excluded.value, excluded.effective, excluded.ratio,
       excluded.numerator, excluded.denominator, excluded.reason, excluded.received, excluded.expected,
       excluded.validity, excluded.definition, excluded.facts, excluded.inputs)
   OR old.revision < excluded.revision
   OR (old.low_ratio, old.high_ratio) IS DISTINCT FROM (excluded.low_ratio, excluded.high_ratio)
