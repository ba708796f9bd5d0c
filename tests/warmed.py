"""Importing this loads what every program of ours loads, for the process that programs are forked from (`tests.forks`):
the compiled kernels, the catalogues, the demo city's calendar, the command line.

What is read here is remembered by the product itself, so a program that is forked finds it made.
"""

import gc

import engine
import ingest
from console.cli import command
from console.paths import demo_city
from devices import load_registry
from engine.calendar import Calendar
from engine.kpi import load_catalogue

engine.warm()
ingest.warm()
load_catalogue()
_city = demo_city()
assert _city is not None
Calendar(load_registry(_city).city.zone_info)
command()
# A collection in a fork would write into every page that it has in common with this process, and so copy them all.
gc.collect()
gc.freeze()
