"""What the session has seen, as plain numbers that only grow. Metrics are made of them elsewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the session was made; written by the session's thread, readable by any.

    Attributes:
        bytes: bytes received.
        messages: messages taken into an intake.
        redelivered: of them, those the broker marked as sent before (DUP).
        readings: readings decoded.
        slow_road: messages that a kernel left to the reference codec.
        uplinks_repeated: messages that were an uplink come again with another time; the readings of the first count.
        uplinks_forgotten: uplinks no longer remembered, because too many came at once, before they could come again.
        uplinks_lost: uplinks that never came, by the gaps of the devices' frame counters.
        faults: messages or readings that go to quarantine already here.
        retained, oversized, unrouted: of the messages, those refused for that reason.
        unrouted_folded: messages of unknown devices that share a row of the quarantine with another of their topic.
        unsubscribed: topics that came by a subscription which the broker kept from an earlier run, and which was ended.
        codec_errors: messages on which a codec failed in a way it should not; quarantined as malformed.
        decoders_stopped: messages on which a model's own decoder was stopped at its limit; quarantined as malformed.
        decoders_untried: messages refused untried because that happened to the device's last ones; likewise.
        intakes: groups handed over.
        acknowledged: acknowledgements sent.
        stale_acknowledgements: acknowledgements dropped because their connection is gone; the broker sends the
            messages again and they are found to be duplicates.
        connections: connections that the broker accepted.
        reconnects: of them, those after the first.
        connection_errors: attempts and connections that ended in an error.
        protocol_errors: of them, those because of bytes that are not MQTT.
        sessions_lost: connections where the broker no longer had a session it had before.
        backpressure_pauses: times that reading stopped because the committer could not take more.
        pings: keep-alive probes sent.
        commands: messages sent that carriers asked for, such as a request for a birth.
        commands_dropped: of those asked for, not sent because the broker did not take what was sent before.
    """

    bytes: int = 0
    messages: int = 0
    redelivered: int = 0
    readings: int = 0
    slow_road: int = 0
    uplinks_repeated: int = 0
    uplinks_forgotten: int = 0
    uplinks_lost: int = 0
    faults: int = 0
    retained: int = 0
    oversized: int = 0
    unrouted: int = 0
    unrouted_folded: int = 0
    unsubscribed: int = 0
    codec_errors: int = 0
    decoders_stopped: int = 0
    decoders_untried: int = 0
    intakes: int = 0
    acknowledged: int = 0
    stale_acknowledgements: int = 0
    connections: int = 0
    reconnects: int = 0
    connection_errors: int = 0
    protocol_errors: int = 0
    sessions_lost: int = 0
    backpressure_pauses: int = 0
    pings: int = 0
    commands: int = 0
    commands_dropped: int = 0
