SELECT count(*) FROM drop_chunks('cityvitals.observation', older_than => %(before)s)
