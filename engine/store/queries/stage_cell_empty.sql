-- DELETE would keep the dead rows, and the next grid would scan them.
TRUNCATE stage_cell
