"""What the embedded store answers with: one tuple a row. Times are Unix milliseconds UTC."""

from typing import Any, NamedTuple

from edge.places import PlaceKey


class Last(NamedTuple):
    """A row of `last`; `state` 0 is the window in progress.

    A station has None for `p50`, `p95` and `max`, and -1 for `over`.
    """

    path: str
    indicator: str
    end_ms: int
    value: float
    level: int
    cov: float
    n: int
    rev: int
    state: int
    p50: float | None
    p95: float | None
    max: float | None
    over: int
    known_ms: int
    seq: int


class Sample(NamedTuple):
    """One closed point of a series, or `merged` points of a long range in one.

    Then the fields are those of the last sufficient point, `low` and `high` span the
    sufficient values and `worst` is the highest level, so that no peak is hidden.
    """

    end_ms: int
    value: float
    level: int
    cov: float
    n: int
    rev: int
    state: int
    low: float
    high: float
    worst: int
    merged: int


class Reading(NamedTuple):
    """The latest reading of one series of a device, in the quantity's canonical unit."""

    path: str
    device: str
    quantity: str
    channel: str
    time_ms: int
    value: float
    flag: int
    period_s: float


class PlaceInfo(NamedTuple):
    """What the page needs to know of a place; of an area, `lat` and `lon` are its middle."""

    key: PlaceKey
    name: str
    lat: float
    lon: float
    tz: str
    length_km: float
    lanes: int
    posted_kmh: float


class Revision(NamedTuple):
    """One restatement of a window; `old_value` is None if the store never held the old one."""

    end_ms: int
    rev: int
    old_value: float | None
    old_level: int | None
    value: float
    level: int
    cov: float
    n: int
    known_ms: int


class Rewritten(NamedTuple):
    """A restated point as it was and as it is: rows of the registry's keys and the catalogue.

    `old_value` and `old_level` are None if the store never held the old one.
    """

    place: int
    indicator: int
    end_s: int
    old_value: float | None
    old_level: int | None
    value: float
    level: int


class Event(NamedTuple):
    """Something that happened, for people; `severity` is info, warning or critical."""

    time_ms: int
    path: str
    kind: str
    indicator: str
    severity: str
    title: str
    text: str


class Upto(NamedTuple):
    """Numbers up to which points and latest readings are known."""

    points: int
    readings: int


class Changes(NamedTuple):
    """What changed after `Upto`; ask again with `upto`.

    Readings wait for no point that came before them: a part of many points brings all of them. A
    closed point ends the window in progress of its series if that does not end later.
    """

    upto: Upto
    points: list[Last]
    readings: list[Reading]

    @property
    def seq(self) -> int:
        """Number up to which nothing is missing."""
        return min(self.upto)


def samples(rows: list[tuple[Any, ...]], limit: int) -> list[Sample]:
    """Rows (end_s, value, level, cov, n, rev, state) in time order as at most `limit` samples.

    If there are more rows, those within equal stretches of time are merged, see `Sample`.
    """
    if len(rows) <= limit:
        return [Sample(end_s * 1000, value, level, cov, n, rev, state, value, value, level, 1)
                for end_s, value, level, cov, n, rev, state in rows]
    start = rows[0][0]
    width_s = (rows[-1][0] - start) // limit + 1
    stretches: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        stretches.setdefault((row[0] - start) // width_s, []).append(row)
    merged = []
    for part in stretches.values():
        sufficient = [row for row in part if row[2] >= 0] or part
        merged.append(_sample(sufficient[-1], sufficient)._replace(merged=len(part)))
    return merged


def _sample(last: tuple[Any, ...], part: list[tuple[Any, ...]]) -> Sample:
    values = [row[1] for row in part]
    worst = max(row[2] for row in part)
    return Sample._make((
        last[0] * 1000, *last[1:], min(values), max(values), worst, len(part),
    ))
