SELECT reason, sum(readings)::bigint FROM quarantine GROUP BY reason ORDER BY 2 DESC, 1
