SELECT add_compression_policy('observation', INTERVAL '30 days', if_not_exists => true),
       add_retention_policy('bucket_minute', INTERVAL '400 days', if_not_exists => true)
