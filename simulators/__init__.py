"""Recordings of real cities, sent over MQTT as their devices would.

Knows the wire and the `devices` room; knows nothing of what receives the messages.
"""

from simulators.cities import beijing_city, bundled, demo_city
from simulators.errors import BrokerError, Problem, RecordingError, SimulatorError
from simulators.recording import Recording, Rows, load_recording
from simulators.replay import ReplayProgress, ReplaySummary, prepare, replay, send
from simulators.schedule import Choice, Message, Schedule

__all__ = [
    "BrokerError",
    "Choice",
    "Message",
    "Problem",
    "Recording",
    "RecordingError",
    "ReplayProgress",
    "ReplaySummary",
    "Rows",
    "Schedule",
    "SimulatorError",
    "beijing_city",
    "bundled",
    "demo_city",
    "load_recording",
    "prepare",
    "replay",
    "send",
]
