DELETE FROM calibration WHERE series_id = %(series_id)s AND valid_from = %(valid_from)s
