"""The operations console: an HTTP API and the page that reads it, a process of its own beside the gateway.

Knows the store and the city's files; writes nothing. The gateway never waits for it, and runs on where it ends.
"""
