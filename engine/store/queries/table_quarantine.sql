-- As table_observation: readings by device and reason, of all time.
COPY (
    SELECT device, reason, sum(readings)::bigint
    FROM quarantine
    GROUP BY device, reason
    ORDER BY device COLLATE "C", reason COLLATE "C"
) TO STDOUT
