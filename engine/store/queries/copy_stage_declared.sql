COPY stage_declared (key, kind, "year", value, unit, ratio, numerator, denominator, quality, origin, source, note) FROM STDIN (FORMAT binary)
