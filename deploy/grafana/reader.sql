-- Makes the role that Grafana reads as, or gives it another password. It can change nothing, and no query of it holds
-- the database up for long. Run by a user who may make roles:
--   psql --set password=... --file deploy/grafana/reader.sql "$CITYVITALS_DATABASE_URL"
SELECT 'CREATE ROLE cityvitals_reader' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cityvitals_reader') \gexec
ALTER ROLE cityvitals_reader LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20;
GRANT pg_read_all_data TO cityvitals_reader; -- tables of later migrations too
ALTER ROLE cityvitals_reader SET default_transaction_read_only = on;
ALTER ROLE cityvitals_reader SET statement_timeout = '30s';
ALTER ROLE cityvitals_reader SET timezone = 'UTC';
