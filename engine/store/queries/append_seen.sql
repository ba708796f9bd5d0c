UPDATE series SET seen = true WHERE series_id = ANY(%(series)s::int[]) AND NOT seen
