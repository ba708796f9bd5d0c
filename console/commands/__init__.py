"""The commands, one small module per subject; each has a `register(app)` that `console.cli` calls."""
