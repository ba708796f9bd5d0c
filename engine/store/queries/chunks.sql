-- The stretches of time into which observations are cut, oldest first.
SELECT range_start, range_end
FROM timescaledb_information.chunks
WHERE hypertable_schema = 'cityvitals' AND hypertable_name = 'observation'
ORDER BY range_start
