"""Why a reading is quarantined: the one fixed vocabulary, shared by codecs, admission, store and metrics.

Knows the words; knows nothing of who uses them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

REASON_TITLES: Final = MappingProxyType(
    {
        "malformed": "the payload does not follow the format of the device's model",
        "unknown_device": "no registered device has this topic",
        "unknown_field": "the device's model does not know this field, or this member of a message",
        "not_a_number": "the value is not a number (or not a state the model names)",
        "bad_unit": "the unit is not the one of the device's model",
        "bad_time": "the time cannot be read, or no clock was set",
        "out_of_range": "the value is outside the plausible range of the measurand",
        "future_clock": "the time lies further ahead than a clock may drift",
        "before_service": "the time lies before the device's in_service_from",
        "after_service": "the time lies at or after the device's in_service_to",
        "oversized": "the message is longer than the limit",
        "retained": "the broker kept this message from earlier; it is no news",
        "conflict": "the same series and time came before with another value; the first stays",
        "empty": "the message carries no reading",
        "unknown_topic": "the topic follows no pattern of a registered device",
        "too_many": "the message carries more readings than the limit",
        "archived": "the time lies in days whose observations left the database for an archive",
        "no_birth": "only the birth of its Sparkplug edge node could say what it is, and none had come",
    }
)
"""Reason to its explanation for people. The order is the order of the codes and never changes: the store keeps them."""

REASONS: Final = tuple(REASON_TITLES)
"""The reasons; the position of one is its small integer code."""

REASON_CODES: Final = MappingProxyType({reason: code for code, reason in enumerate(REASONS)})
"""Reason to its code."""
