"""A gateway of a city with rules of quality: what it is sent, flags, leaves out of figures, and takes back again."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

import deploy
from simulators.bench import wait_until
from tests.system.conftest import Start
from tests.system.wire import HOUR_S, city_of, moment, publish, senml

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

RULE = """
[[quality]]
rule = "spike"
measurands = ["pm2_5"]
above = "50"
exclude = true
"""
DAYS_AGO = 3
PACE = {"CITYVITALS_ENGINE_QUALITY_S": "0.2"}


def test_a_spike_leaves_the_figures_and_comes_back_when_a_late_reading_bears_it_out(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", "air-1,air_station")
    (city / "city.toml").write_text((city / "city.toml").read_text() + RULE)
    pipeline = start(city, **PACE)
    begin = (int(time.time()) // HOUR_S - 24 * DAYS_AGO) * HOUR_S

    def value(at: int) -> list[tuple[object, ...]]:
        return pipeline.query(
            "SELECT value, received FROM cityvitals.v_indicator_value WHERE indicator = 'pm2_5_mean'"
            " AND \"window\" = 'hour' AND scope_kind = 'station' AND start = %s",
            moment(at),
        )

    hours = [begin + n * HOUR_S for n in range(3)]
    publish(broker.url, [senml("air-1", "pm2_5", "ug/m3", *zip(hours, ("10", "400", "12"), strict=True))])
    wait_until(lambda: value(hours[1]) == [(None, 0)], 120, "the spike to leave its hour's figure")
    assert value(hours[0]) == [(Decimal("10.000"), 1)]
    flags = "SELECT device, time, value, rule, excluded FROM cityvitals.v_observation_flag"
    assert pipeline.query(flags) == [("air-1", moment(hours[1]), Decimal("400.000"), "spike", True)]

    # It was no spike: half an hour later the air was as bad.
    publish(broker.url, [senml("air-1", "pm2_5", "ug/m3", (hours[1] + 1800, "380"))])
    wait_until(lambda: value(hours[1]) == [(Decimal("390.000"), 2)], 120, "the reading to come back")
    assert pipeline.query(flags) == []

    # The last thing that a gateway does is to look at what came last.
    last = ((hours[2] + 600, "20"), (hours[2] + 1800, "300"), (hours[2] + 3600, "11"))
    publish(broker.url, [senml("air-1", "pm2_5", "ug/m3", *last)])
    pipeline.drained(7, timeout_s=120)
    pipeline.stop()
    assert value(hours[2]) == [(Decimal("16.000"), 2)]
