"""Where people touch cityvitals: the command, its settings, the live terminal page, metrics and published results.

Knows every room below it; none of them knows the console.
"""
