"""`devices export` and `devices import`: the registry goes out and comes in, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from tests.console.command import cityvitals
from tests.devices.cities import DEVICES, write_city


def test_what_is_exported_is_imported_and_what_would_not_load_is_refused(tmp_path: Path) -> None:
    city, out = write_city(tmp_path / "city"), tmp_path / "devices.geojson"
    assert cityvitals("--city", str(city), "devices", "export").out == DEVICES
    assert cityvitals("--city", str(city), "devices", "export", "--format", "geojson", "--out", str(out)).code == 0
    same = cityvitals("--city", str(city), "devices", "import", str(out))
    assert (same.code, same.out.strip()) == (0, "4 devices"), same.err
    assert (city / "devices.csv").read_text() == DEVICES
    out.write_text(out.read_text().replace('"air-2"', '"air-3"').replace('"parking/own/state"', '"parking/it"'))
    before = (city / "devices.csv").read_bytes()
    said = cityvitals("--city", str(city), "devices", "import", str(out), "--dry-run").out
    assert [line.strip() for line in said.splitlines()[1:]] == ["1 new: air-3", "1 gone: air-2", "1 changed: own"]
    assert (city / "devices.csv").read_bytes() == before
    out.write_text(out.read_text().replace('"north"', '"nowhere"'))
    refused = cityvitals("--city", str(city), "devices", "import", str(out))
    assert (refused.code, "unknown zone 'nowhere'" in refused.err) == (2, True)
    assert (city / "devices.csv").read_bytes() == before
