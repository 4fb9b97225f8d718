"""What of a damaged archive may be replayed: numbers never pass for others."""

import logging
from pathlib import Path

import pytest

from ingest.archive import HEADER, RECORD, Kind, read
from ingest.line import Line
from tests.line_city import MS, ROWS, START_MS, Kept, line_of, message, row, single, write_places

DAY_MS = 86_400_000
SPACE = 60_000


def damage(segment: Path, number: int) -> None:
    """Flip a bit in the body of the `number`th record."""
    data = bytearray(segment.read_bytes())
    at = HEADER.size
    for _ in range(number):
        at += RECORD.size + RECORD.unpack_from(data, at)[0]
    data[at + RECORD.size + 2] ^= 1
    segment.write_bytes(data)


def lived(folder: Path, days: int) -> list[Path]:
    """Three devices that begin one after the other, in an archive of `days` days."""
    write_places(folder / "places.csv", [*ROWS, row("d4", "s4")])
    line = line_of(folder)
    number = 0
    for day in range(days):
        for device in ("d1", "d2", "d3"):
            number += 1
            now_ms = START_MS + day * DAY_MS + number * SPACE
            line.take([message(device, single(number, 10.0 * int(device[1]), now_ms), now_ms)],
                      now_ms * MS)
    line.close(save=False)
    return sorted((folder / "ingest" / "archive").glob("*.cva"))


def values(line: Line) -> dict[str, float]:
    """The last value of each device."""
    registry = line.vitals.registry
    return {registry.devices[series.device]: float(line.vitals.series.last_value[slot])
            for slot, series in enumerate(registry.series)}


def registry_of(segment: Path, device: str) -> int:
    """The number of the record that names the series of a device."""
    rows = [record for record in read(segment.parent) if record.end.segment == segment.name]
    named = [k for k, record in enumerate(rows)
             if record.kind == Kind.REGISTRY and record.json()["series"]]
    return named[int(device[1]) - 1]


def test_a_lost_batch_costs_its_readings_alone(tmp_path: Path) -> None:
    [segment] = lived(tmp_path, 1)
    rows = list(read(segment.parent))
    first = next(k for k, record in enumerate(rows) if record.kind == Kind.BATCH)
    damage(segment, first)
    line = line_of(tmp_path)
    assert {name: value for name, value in values(line).items() if value} == {
        "d2": 20.0, "d3": 30.0}
    assert "1 records, 1 readings unreadable" in line.losses[0]
    line.close(save=False)


def test_lost_names_hide_what_follows_until_they_are_said_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [segment] = lived(tmp_path, 1)
    damage(segment, registry_of(segment, "d2"))
    with caplog.at_level(logging.ERROR):
        line = line_of(tmp_path)
    assert values(line) == {"d1": 10.0}
    assert len(line.losses) == 2
    assert "records, 2 readings unreadable" in line.losses[1]
    assert line.losses[1] in caplog.text
    # And it goes on: what comes now is counted under the right names.
    line.take([message("d3", single(9, 33.0, START_MS + SPACE), START_MS + SPACE)],
              (START_MS + SPACE) * MS)
    assert values(line) == {"d1": 10.0, "d3": 33.0}
    line.close(save=False)


def test_lost_names_are_taken_from_the_next_day(tmp_path: Path) -> None:
    segments = lived(tmp_path, 2)
    damage(segments[0], registry_of(segments[0], "d2"))
    kept = Kept()
    line = line_of(tmp_path, kept)
    assert len(line.losses) == 1
    assert values(line) == {"d1": 10.0, "d2": 20.0, "d3": 30.0}
    assert line.recovered == 6
    line.close(save=False)
