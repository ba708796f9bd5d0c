-- Whether anything of a series is stored from a time on, in the log or, when that left, as the last of an archive.
SELECT EXISTS (SELECT FROM observation WHERE series_id = %(series_id)s AND time >= %(valid_from)s)
    OR EXISTS (SELECT FROM archived_last WHERE series_id = %(series_id)s AND time >= %(valid_from)s)
