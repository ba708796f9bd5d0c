-- Who holds a lock, in a form for people.
SELECT a.pid, a.backend_start,
       format('%%s (database session %%s%%s, connected since %%s)', coalesce(nullif(a.application_name, ''), 'a nameless program'), a.pid,
              CASE WHEN a.client_addr IS NULL THEN '' ELSE ' from ' || host(a.client_addr) END,
              to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
FROM pg_locks l
JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = %(class)s::int AND l.objid = %(key)s::int
