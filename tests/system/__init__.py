"""The whole pipeline: real broker, real database, the gateway as its user runs it."""
