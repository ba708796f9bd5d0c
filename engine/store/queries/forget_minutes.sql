SELECT count(*) FROM drop_chunks('cityvitals.bucket_minute', older_than => %(before)s)
