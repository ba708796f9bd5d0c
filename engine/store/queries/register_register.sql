INSERT INTO register AS old (code, scope_id, valid_from, value, unit, source, quality)
VALUES (%(code)s, %(scope_id)s, %(valid_from)s, %(value)s, %(unit)s, %(source)s, %(quality)s)
ON CONFLICT (code, scope_id, valid_from) DO UPDATE
SET value = excluded.value, unit = excluded.unit, source = excluded.source, quality = excluded.quality, recorded_at = now()
WHERE (old.value, old.unit, old.source, old.quality)
      IS DISTINCT FROM (excluded.value, excluded.unit, excluded.source, excluded.quality)
