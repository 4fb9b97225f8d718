"""The newest of everything, in memory: what `/api/now` answers and the live feed starts from.

Each (place, indicator) has a newest open and a newest closed point. The one to show is the open
one where it is newer and sufficient, else the closed one; the page follows the same rule.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.catalogue import INDICATORS, POSITION
from engine.points import INSUFFICIENT, PointState
from ingest.store import Last, PlaceInfo, Reading

CADENCES_STALE = 2
STALE_SLACK_MS = 120_000
"""A point is stale when its window ended more than two cadences and this slack ago."""

PARTS: dict[str, tuple[str, ...]] = {
    "air.us_aqi": tuple(
        f"air.us_aqi_{pollutant}" for pollutant in ("pm25", "pm10", "o3", "co", "so2", "no2")
    ),
    **{
        f"air.{index}": tuple(
            f"air.{index}_{pollutant}" for pollutant in ("pm25", "pm10", "o3", "so2", "no2")
        ) for index in ("eaqi_2024", "daqi_uk")
    },
}
"""Indicators that are the worst of others: the part with the largest value is the cause."""


class Worst(NamedTuple):
    """A station's headline point ranked by `severity`, its position 0..1 on its own levels."""

    severity: float
    point: Last
    cause: str


def chosen(opened: Last | None, closed: Last | None) -> Last | None:
    """The point to show of the newest open and the newest closed one."""
    if opened is None or closed is None:
        return opened or closed
    if opened.end_ms > closed.end_ms and opened.level != INSUFFICIENT:
        return opened
    return closed


def stale(point: Last, now_ms: int) -> bool:
    """True if the point's window ended too long ago to speak for now."""
    cadence_ms = INDICATORS[POSITION[point.indicator]].cadence_s * 1000
    return now_ms - point.end_ms > CADENCES_STALE * cadence_ms + STALE_SLACK_MS


class Latest:
    """Newest points, readings and the places; filled by the feed, read by the answers."""

    def __init__(self) -> None:
        self.seq = 0
        self.places: list[PlaceInfo] = []
        self._stations: dict[str, str] = {}
        self._points: dict[tuple[str, str], list[Last | None]] = {}
        self._readings: dict[tuple[str, str, str, str], Reading] = {}

    def replace(
        self, seq: int, places: list[PlaceInfo], points: Iterable[Last],
        readings: Iterable[Reading],
    ) -> None:
        """Start anew from what the store holds at `seq`."""
        self._points.clear()
        self._readings.clear()
        self.places = places
        self._stations = {row.key.path: row.name for row in places if row.key.station}
        self.apply(seq, points, readings)

    def apply(self, seq: int, points: Iterable[Last], readings: Iterable[Reading]) -> None:
        """Take over changed rows; the store is at `seq` with them."""
        is_open = int(PointState.OPEN)
        for point in points:
            pair = self._points.get(point[:2])
            if pair is None:
                pair = self._points[point[:2]] = [None, None]
            if point.state == is_open:
                pair[0] = point
                continue
            pair[1] = point
            if pair[0] is not None and pair[0].end_ms <= point.end_ms:
                pair[0] = None  # its window has closed
        self._readings.update((row[:4], row) for row in readings)
        self.seq = seq

    def stations(self) -> dict[str, str]:
        """Path and name of every station."""
        return self._stations

    def knows(self, path: str) -> bool:
        """True for a station, and for the district or city of one."""
        if path == "_/_" and self.places:
            return True
        return any(
            path in (row.key.path, f"{row.key.district}/_") for row in self.places
        ) or any(path == known for known, _ in self._points)  # of private ones, or of the past

    def points(self) -> Iterator[Last]:
        """Every newest point, open and closed."""
        for pair in self._points.values():
            yield from (point for point in pair if point is not None)

    def readings(self) -> Iterable[Reading]:
        """The newest reading of every series."""
        return self._readings.values()

    def current(self, path: str, indicator: str) -> Last | None:
        """The point to show for a place and indicator."""
        pair = self._points.get((path, indicator))
        return chosen(pair[0], pair[1]) if pair else None

    def cause(self, path: str, indicator: str) -> str:
        """The part that makes the indicator what it is there, or an empty key."""
        best, value = "", float("-inf")
        for key in PARTS.get(indicator, ()):
            point = self.current(path, key)
            if point is not None and point.level != INSUFFICIENT and point.value > value:
                best, value = key, point.value
        return best

    def worst(self, now_ms: int) -> list[Worst]:
        """The worst station of each headline indicator, the worst of all first.

        Levels of different standards do not compare; they are ranked by their position on
        their own scale, then by the value against the first limit. Data quality is left out:
        it is about the sensors, not the city.
        """
        found = []
        for entry in INDICATORS:
            if not entry.headline or entry.over_level is None or entry.domain == "dq":
                continue
            points = [
                point for path in self._stations
                if (point := self.current(path, entry.key)) is not None
                and point.level != INSUFFICIENT and not stale(point, now_ms)
            ]
            if points:
                top = max(points, key=lambda point: (point.level, point.value))
                severity = top.level / (len(entry.levels) - 1)
                found.append(Worst(severity, top, self.cause(top.path, entry.key)))
        return sorted(found, key=lambda worst: -worst.severity)
