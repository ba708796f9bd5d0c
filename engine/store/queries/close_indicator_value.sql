-- As close_window_hour, for the indicators of one kind of window.
UPDATE indicator_value AS v
SET revision = 1
FROM indicator AS i
    CROSS JOIN scope AS s
WHERE v.indicator_id = i.indicator_id
    AND v.scope_id = s.scope_id
    AND i."window" = %(window)s
    AND v.start >= %(low)s
    AND v.start < %(high)s
    AND v.revision = 0
