"""Importing this loads the compiled kernels, for the process that programs are forked from (`tests.forks`)."""

import engine
import ingest

engine.warm()
ingest.warm()
