-- Between which times anything may be stored: the outermost edges of the chunks.
SELECT hypertable_name, min(range_start), max(range_end)
FROM timescaledb_information.chunks
WHERE hypertable_schema = 'cityvitals'
  AND hypertable_name IN ('observation', 'bucket_minute', 'window_hour', 'window_day', 'indicator_value')
GROUP BY hypertable_name
UNION ALL
SELECT 'counter_event', min(time), max(time) + INTERVAL '1 microsecond'
FROM counter_event
HAVING count(*) > 0
