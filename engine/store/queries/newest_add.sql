INSERT INTO newest_part (partition, series_from, series_to, packed)
VALUES (%(partition)s, %(low)s, %(high)s, %(packed)s)
