-- What a device sends and its model cannot read, by what it is called, with the newest message of each as an example.
-- Details begin with that; a device that makes up names has those that come most, and the others as one.
-- Equal details are counted before they are taken apart: a million rows of a new firmware have few.
WITH alike AS MATERIALIZED (
    SELECT device, reason, detail, sum(readings)::bigint AS readings, min(received_at) AS first, max(received_at) AS last,
           max(quarantine_id) AS example
    FROM quarantine
    WHERE device <> '' AND reason = ANY(%(reasons)s::text[]) AND received_at >= %(since)s
    GROUP BY device, reason, detail
), said AS MATERIALIZED (
    SELECT alike.*,
           coalesce(
               substring(detail FROM 'has no field "([^"]*)"'),
               split_part(regexp_replace(detail, '^(item|record) [0-9]+: ', ''), ': ', 1)
           ) AS name
    FROM alike
), named AS (
    SELECT device, reason, readings, first, last, example,
           CASE WHEN reason = ANY(%(named)s::text[]) AND name NOT LIKE 'expected %%' AND name <> detail THEN name ELSE ''
           END AS field
    FROM said
), counted AS (
    SELECT device, reason, field, sum(readings)::bigint AS readings, min(first) AS first, max(last) AS last,
           max(example) AS example,
           row_number() OVER (PARTITION BY device, reason ORDER BY sum(readings) DESC, field COLLATE "C") AS place
    FROM named
    GROUP BY device, reason, field
)
SELECT device, reason, CASE WHEN place <= %(fields_max)s::bigint THEN field ELSE '' END AS name,
       sum(readings)::bigint, min(first), max(last), max(example)
FROM counted
GROUP BY device, reason, name
