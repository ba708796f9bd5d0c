INSERT INTO calibration AS old (series_id, valid_from, gain, shift, certificate, source)
VALUES (%(series_id)s, %(valid_from)s, %(gain)s, %(shift)s, %(certificate)s, %(source)s)
ON CONFLICT (series_id, valid_from) DO UPDATE
SET gain = excluded.gain, shift = excluded.shift, certificate = excluded.certificate, source = excluded.source
WHERE (old.gain, old.shift, old.certificate, old.source)
      IS DISTINCT FROM (excluded.gain, excluded.shift, excluded.certificate, excluded.source)
