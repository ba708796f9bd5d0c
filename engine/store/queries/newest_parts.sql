-- The parts that may hold any of the series between two, and before which time observations left for an archive.
SELECT string_agg(packed, ''::bytea), (SELECT max(dropped_to) FROM archived)
FROM newest_part
WHERE series_to >= %(low)s AND series_from <= %(high)s
