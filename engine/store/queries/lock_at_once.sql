-- A lock that others hold is given up soon: whoever waits for one makes all who come later wait as well.
SET LOCAL lock_timeout = '500ms'
