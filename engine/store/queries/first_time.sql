-- The oldest observation of one chunk.
SELECT min(time) FROM observation WHERE time >= %(low)s AND time < %(high)s
