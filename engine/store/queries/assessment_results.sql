SELECT results::text
FROM assessment
WHERE "year" = %(year)s AND submission = %(submission)s
