SELECT series_id, valid_from, gain, shift FROM calibration WHERE series_id = ANY(%(series)s::int[])
