"""The store on a real TimescaleDB."""
