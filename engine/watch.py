"""The watch within the engine's loop: brings together what was heard, what the gateway says of itself, and the store.

Knows the order of steps; who is silent is decided in `silence`, how long we listened in `listening`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.habits import UNKNOWN
from engine.inbox import Stored
from engine.listening import CAUSES, DATABASE, PROCESS, Away, Downtime, Heard, Listening, Report
from engine.settings import SilenceSettings
from engine.silence import Episode, Fleet, Known, Silence, State
from engine.store import NOTHING, HealthFacts, HealthRows, SilenceRow, Store, Watched

log = logging.getLogger("engine")

CHECK_US = 1_000_000
"""Least time between two checks."""
WRITE_SHARE = 20
"""Standings are written so seldom that it takes at most one part in so many of the time."""
HEALTH_ROWS_MAX = 100_000
"""Devices whose standing is written at once."""
DAY_US = 86_400_000_000


class Watch:
    """Watches over the devices of one worker; used by the worker's thread alone, but for `status`.

    Args:
        store: the worker's; owns the flush duty of the partition.
        registry: the city.
        settings: see `SilenceSettings`.
        clock_us: the present time, microseconds UTC.
        ear: says until when the gateway has heard everything; asked before the inbox is looked into.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        settings: SilenceSettings,
        *,
        partition: int,
        clock_us: Callable[[], int],
        ear: Callable[[], Report],
    ) -> None:
        self.settings = settings
        self._store, self._registry, self._partition = store, registry, partition
        self._clock_us, self._ear = clock_us, ear
        self._series_device = registry.series().device
        self._fleet = Fleet.of(registry)
        self._listening = Listening()
        self._silence = Silence(self._fleet, settings, self._listening)
        self._device_id = np.zeros(len(self._fleet), np.int32)
        self._stopped = True
        self._report: Report | None = None
        self._heard: list[Heard] = []
        self._away: list[Away] = []
        self._rows: dict[tuple[str, str, int], SilenceRow] = {}
        self._begun: Counter[str] = Counter()
        self._trimmed = 0
        self._checked_us = self._written_us = TIME_MIN_US
        self._cost_us = 0

    # ---- life ------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Take up what the last run knew.

        Raises:
            StoreError
        """
        state = self._store.read_watch(self._partition, self._clock_us())
        known = Known.nothing(len(self._fleet), self._fleet.gateway_count)
        for i, device in enumerate(self._registry.devices):
            facts = state.devices[device.code]
            self._device_id[i] = facts.device_id
            if facts.state is not None:
                _restore(known, i, facts)
        position = {gateway: i for i, gateway in enumerate(self._registry.gateways)}
        for kind, who, since_us in state.lasting:
            if kind == "device":
                known.since_us[self._registry.device_index(who)] = since_us
            else:
                known.gateway_since_us[position[who]] = since_us
        heard_to_us = TIME_MIN_US if state.heard_to_us is None else state.heard_to_us
        self._listening = Listening(heard_to_us, state.listened_us)
        self._silence = Silence(self._fleet, self.settings, self._listening, known)
        self._stopped, self._trimmed = state.stopped, state.trimmed

    def look(self) -> None:
        """Ask until when everything was heard, if a check is due. Call it before the inbox is looked into."""
        if self._clock_us() - self._checked_us >= CHECK_US and self._report is None:
            self._report = self._ear()

    def take(self, taken: Sequence[Stored], left_us: int) -> None:
        """Note what came.

        Args:
            taken: commits out of the inbox.
            left_us: arrival of the first message still inside; TIME_MAX_US when it is empty.
        """
        for stored in taken:
            if len(stored.batch):
                self._silence.read(self._series_device[stored.batch.slot], stored.batch.time_us)
            if stored.heard is not None and len(stored.heard):
                self._heard.append(stored.heard)
        if self._report is not None and left_us < self._report.heard_to_us:
            self._report = replace(self._report, heard_to_us=left_us)

    def database_away(self, from_us: int, to_us: int) -> None:
        """Note that the worker could not write for a while."""
        self._away.append(Away(DATABASE, from_us, to_us, "did not take the figures"))

    def step(self) -> None:
        """Check if that is due, and write what is. May be called again after a failure.

        Raises:
            StoreError
        """
        if self._report is not None:
            self._check(self._report)
            self._report = None
        now_us = self._clock_us()
        pause_us = max(int(self.settings.heartbeat_s * 1_000_000), WRITE_SHARE * self._cost_us)
        if self._rows or now_us - self._written_us >= pause_us:
            self._write(health=now_us - self._written_us >= pause_us, stopped=False)

    def close(self) -> None:
        """Write down everything, and until when we listened.

        Raises:
            StoreError
        """
        self._report = self._ear()
        self._check(self._report)
        self._report = None
        self._write(health=True, stopped=True)

    # ---- the parts of a step ---------------------------------------------------------------------------------

    def _check(self, report: Report) -> None:
        now_us = self._clock_us()
        self._checked_us = now_us
        report = replace(report, away=(*report.away, *self._away))
        self._away.clear()
        for downtime in self._listening.advance(report, now_us):
            self._note(self._system_row(downtime))
        reached_us = self._listening.heard_to_us
        if reached_us == TIME_MIN_US:
            return
        waiting = []
        for heard in self._heard:
            # What came after the report's time is heard with the next one.
            if heard.received_us[-1] <= reached_us:
                self._silence.hear(heard)
            else:
                waiting.append(heard)
        self._heard = waiting
        for episode in self._silence.check():
            self._note(self._row(episode))

    def _note(self, row: SilenceRow) -> None:
        key = (row.kind, row.who, row.started_us)
        if row.ended_us == TIME_MAX_US and not row.absorbed and key not in self._rows:
            self._begun[row.kind] += 1
            log.info("silent: %s %s%s", row.kind, row.who, f" ({row.detail})" if row.detail else "")
        self._rows.pop(key, None)
        self._rows[key] = row

    def _row(self, episode: Episode) -> SilenceRow:
        registry = self._registry
        who = registry.gateways[episode.who] if episode.gateway else registry.devices[episode.who].code
        return SilenceRow(
            "gateway" if episode.gateway else "device", who, episode.started_us, episode.ended_us, episode.reading_us,
            episode.interval_us, episode.allowed_us, episode.devices, episode.detail, episode.absorbed,
        )  # fmt: skip

    def _system_row(self, downtime: Downtime) -> SilenceRow:
        detail = downtime.detail
        if downtime.cause == PROCESS and not detail:
            detail = "stopped" if self._stopped else "ended without a word"
        return SilenceRow("system", downtime.cause, downtime.from_us, downtime.to_us, detail=detail)

    def _write(self, *, health: bool, stopped: bool) -> None:
        """Write silences, the heartbeat, and with `health` how it stands with the devices of which something came."""
        if self._listening.heard_to_us == TIME_MIN_US:
            return
        began_us = self._clock_us()
        changed = self._silence.changed() if health else np.empty(0, np.intp)
        for at in range(0, max(changed.size, 1), HEALTH_ROWS_MAX):
            devices = changed[at : at + HEALTH_ROWS_MAX]
            self._trimmed += self._store.write_watch(
                Watched(
                    heard_to_us=self._listening.heard_to_us,
                    listened_us=self._listening.listened_us,
                    stopped=stopped,
                    silences=tuple(self._rows.values()),
                    health=self._health(devices),
                    noticed_us=began_us,
                    forget_us=began_us - self.settings.days_max * DAY_US,
                    partition=self._partition,
                )
            )
            self._rows.clear()
            self._silence.written(devices)
        if health:
            self._written_us = self._clock_us()
            self._cost_us = self._written_us - began_us

    def _health(self, devices: NDArray[np.intp]) -> HealthRows:
        known = self._silence.known

        def times(column: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.where(column[devices] > TIME_MIN_US, column[devices], NOTHING)

        return HealthRows(
            self._device_id[devices], times(known.heard_us), times(known.reading_us), known.counted_us[devices],
            known.interval_us[devices], known.jitter_us[devices], known.offset_us[devices],
            known.state[devices].astype(np.int16), self._clocks()[devices],
        )  # fmt: skip

    def _clocks(self) -> NDArray[np.int16]:
        """Return by device 0 for a clock of which nothing is known, 1 right, 2 fast, 3 slow."""
        offset_us, most_us = self._silence.known.offset_us, self.settings.clock_us_max
        off = np.where(offset_us > most_us, 2, np.where(offset_us < -most_us, 3, 1))
        return np.where(offset_us == UNKNOWN, 0, off).astype(np.int16)

    # ---- for others ------------------------------------------------------------------------------------------

    def status(self) -> Mapping[str, object]:
        """Return how many are silent, for metrics and people."""
        known = self._silence.known
        states = np.bincount(known.state, minlength=len(State))
        clocks = np.bincount(self._clocks(), minlength=4)
        return {
            "devices": {state.name.lower(): int(states[state]) for state in State},
            "gateways_silent": int(np.count_nonzero(known.gateway_since_us > TIME_MIN_US)),
            "clocks": {"fast": int(clocks[2]), "slow": int(clocks[3])},
            "begun": {kind: self._begun[kind] for kind in ("device", "gateway", "system")},
            "downtime_s": {cause: self._listening.away_us[cause] / 1_000_000 for cause in CAUSES},
            "heard_to_us": None if self._listening.heard_to_us == TIME_MIN_US else self._listening.heard_to_us,
            "trimmed": self._trimmed,
        }


def _restore(known: Known, i: int, facts: HealthFacts) -> None:
    """Put what is stored of a device into its place."""
    known.heard_us[i] = TIME_MIN_US if facts.heard_us is None else facts.heard_us
    known.reading_us[i] = TIME_MIN_US if facts.reading_us is None else facts.reading_us
    known.counted_us[i] = facts.counted_us or 0
    known.interval_us[i] = facts.interval_us or 0
    known.jitter_us[i] = facts.jitter_us or 0
    known.offset_us[i] = UNKNOWN if facts.offset_us is None else facts.offset_us
    known.state[i] = facts.state or 0
