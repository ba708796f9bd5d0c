SELECT coalesce(bool_or(compression_enabled), false)
FROM timescaledb_information.hypertables
WHERE hypertable_schema = 'cityvitals' AND hypertable_name = 'observation'
