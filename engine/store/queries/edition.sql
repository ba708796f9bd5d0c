SELECT coalesce(current_setting('timescaledb.license', true), 'apache')
