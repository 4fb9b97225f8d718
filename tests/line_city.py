"""A small city for tests of the line: places, messages, and an outlet that keeps all it is told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge import wire
from edge.places import PlaceKey, PlaceRow, render
from edge.verdicts import Verdict
from engine.points import Points
from engine.vitals import Vitals
from ingest.admission import Opened, opened
from ingest.late_rows import Told
from ingest.line import Line
from ingest.messages import Event, Received
from ingest.outlet import Known

CITY = "porto"
START_MS = 1_790_000_000_000 // 3_600_000 * 3_600_000
MINUTE_MS = 60_000
MS = 1_000_000


def row(device: str, station: str, *, since_ms: int = 0, period_s: float = 60.0) -> PlaceRow:
    """A device at a station of district `centre`."""
    return PlaceRow(
        since_ms, CITY, "centre", station, device, station.upper(), 41.1, -8.6, "Europe/Lisbon",
        period_s, length_km=1.0, lanes=2, posted_kmh=50.0,
    )


ROWS = [row("d1", "s1"), row("d2", "s2"), row("d3", "s3")]


def write_places(path: Path, rows: Sequence[PlaceRow] = ROWS) -> Path:
    """A places file with `rows`."""
    path.write_text(render(list(rows)), encoding="utf-8")
    return path


def topic(device: str) -> str:
    """The readings topic of a device of the city."""
    return f"cv/1/r/{CITY}/centre/s{device[1:]}/{device}"


def single(
    number: int, value: float = 12.5, time_ms: int = START_MS, quantity: str = "pm25",
    epoch: int = 1,
) -> bytes:
    """A message of one reading."""
    return wire.encode_single(epoch, number, quantity, time_ms, value)


def body(number: int = 1, **keys: Any) -> bytes:
    """Any JSON message; NaN is written as Python does."""
    return json.dumps({"e": 1, "s": number, **keys}).encode()


def message(device: str, payload: bytes, received_ms: int = START_MS) -> Opened:
    """What came from the broker, decoded."""
    return opened(Received(topic(device), payload), received_ms * MS)


@dataclass
class Kept:
    """An outlet that keeps the last word on every window, and how often each was told."""

    values: dict[tuple[PlaceKey, int, int], tuple[object, ...]] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    late: list[tuple[int, int]] = field(default_factory=list)
    placed: int = 0

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Keep closed points."""
        columns = zip(
            points.place.tolist(), points.indicator.tolist(), points.end_s.tolist(),
            points.value.tolist(), points.level.tolist(), points.n.tolist(), points.cov.tolist(),
            points.rev.tolist(), strict=True,
        )
        for place, indicator, end_s, *stated in columns:
            if stated[-1]:
                self.values[vitals.registry.keys[place], indicator, end_s] = tuple(stated)

    def restated(self, vitals: Vitals) -> None:
        """Keep how many readings came late, by minute."""
        found = vitals.take_restated()
        if len(found.slots):
            self.late.append((vitals.now_ns, int(found.readings.sum())))

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Keep events."""
        self.told += events

    def placed_anew(self, told: Told, vitals: Vitals) -> None:
        """Keep closed points."""
        self.points(told.points, vitals, 0)

    def places(self, vitals: Vitals) -> None:
        """Count."""
        self.placed += 1


def line_of(folder: Path, outlet: Kept | None = None, *, whole: bool = False) -> Line:
    """An open line in `folder` with the places of `folder/places.csv`, if there are any."""
    line = Line(folder / "ingest", outlet or Kept(), 60)
    line.open(whole=whole)
    if (folder / "places.csv").exists():
        line.load_places(folder / "places.csv", START_MS * MS)
    return line


def abandon(line: Line) -> None:
    """Leave a line as `kill -9` would: nothing more is written."""
    line.archive._file.close()  # after a sync its buffer is empty
    line.inbox.close()


def verdicts(line: Line) -> dict[str, int]:
    """The verdicts that were given."""
    return {name: count for name, count in line.verdicts().items() if count}


def labels(counts: dict[Verdict, int]) -> dict[str, int]:
    """Counts by label."""
    return {verdict.label: count for verdict, count in counts.items()}
