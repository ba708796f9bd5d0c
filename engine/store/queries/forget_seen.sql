SELECT count(*) FROM drop_chunks('cityvitals.indicator_seen', older_than => %(before)s)
