"""InfluxDB line protocol from columns: the one place that knows our measurements.

A field never changes its type: floats are written with a point or exponent, integers with `i`.
A point is always written with its full field set, because the same series and time overwrite
field by field. NaN and infinity cannot be stored: such a point is written `value=0, level=-1`.
The measurements are described in `docs/influxdb.md`.
"""

from collections.abc import Sequence
from hashlib import blake2s
from math import isfinite
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey
from engine.catalogue import INDICATORS
from engine.indicator import Indicator
from engine.points import INSUFFICIENT, Points

LINES_MAX = 10_000
"""Lines in one batch: about 1.2 MB, below every server's limit on a request (10 MiB on 3.x)."""
AGE_NEVER_S = 315_360_000.0
"""Ten years: written as the age of a station that was never heard, so that it sorts as oldest."""

_TAG = str.maketrans({
    ",": r"\,", "=": r"\=", " ": r"\ ",
    # A backslash at the end of a value would escape what follows; a line break ends the line.
    "\\": "_", "\n": "_", "\r": "_", "\t": "_", "\0": "_",
})
_TEXT = str.maketrans({'"': r"\"", "\\": r"\\", "\n": " ", "\r": " ", "\0": " "})


class Batch(NamedTuple):
    """Finished lines, each ended by a line break; `precision` is the unit of their times."""

    body: bytes
    lines: int
    precision: str = "s"


def tag(value: str) -> str:
    """A tag value as it stands in a line; empty becomes `_`."""
    return value.translate(_TAG) or "_"


def text(value: str) -> str:
    """A string field as it stands in a line, on one line, with its quotes."""
    return f'"{value.translate(_TEXT)}"'


def real(value: float, otherwise: float = 0.0) -> str:
    """A float field; what is not finite becomes `otherwise`."""
    return repr(float(value) if isfinite(value) else otherwise)


def station_state(
    key: PlaceKey, time_s: int, *, lat: float, lon: float, online: bool, age_s: float,
    level: int, worst: str, value: float,
) -> bytes:
    """State of one station, silent ones too; `worst` is the indicator that gave `level`."""
    return (
        f"station_state,city={tag(key.city)},district={tag(key.district)}"
        f",station={tag(key.station)} lat={real(lat)},lon={real(lon)},online={int(online)}i"
        f",age_s={real(age_s, AGE_NEVER_S)},level={level if isfinite(value) else INSUFFICIENT}i"
        f",worst={text(worst)},value={real(value)} {time_s}\n"
    ).encode()


def event(
    key: PlaceKey, time_ms: int, *, kind: str, indicator: str, severity: str, title: str,
    body: str, ref: str = "",
) -> bytes:
    """Something that happened; the precision of its time is `ns`.

    Two events of one place and kind in the same millisecond must both be kept, and the same
    event written twice must stay one: so the digits below the millisecond come from its text.
    """
    fields = f"severity={text(severity)},title={text(title)},text={text(body)},ref={text(ref)}"
    below_ms = int.from_bytes(blake2s(fields.encode(), digest_size=8).digest()) % 1_000_000
    return (
        f"event,city={tag(key.city)},district={tag(key.district)},station={tag(key.station)}"
        f",kind={tag(kind)},ind={tag(indicator)} {fields} {time_ms * 1_000_000 + below_ms}\n"
    ).encode()


def rollup(
    measurement: str, key: PlaceKey, entry: Indicator, time_s: int, *,
    values: npt.NDArray[np.float64], over: int, cov: float,
) -> bytes:
    """Hour or day of one series; p95 of type 7, `over` counts points at or over the limit."""
    return (
        f"{measurement},city={tag(key.city)},district={tag(key.district)}"
        f",station={tag(key.station)},domain={entry.domain},ind={entry.id}"
        f" mean={real(values.mean())},min={real(values.min())},max={real(values.max())}"
        f",p95={real(np.quantile(values, 0.95))},n={len(values)}i,cov={real(cov)},over={over}i"
        f" {time_s}\n"
    ).encode()


def pipeline(
    host: str, stage: str, time_s: int, *, msgs: int, errors: int, lag_s: float, queue: int,
    write_ms: float, spool: int, dead: int, rss_mb: float,
) -> bytes:
    """How one stage of this program is doing."""
    return (
        f"pipeline,host={tag(host)},stage={tag(stage)} msgs={msgs}i,errors={errors}i"
        f",lag_s={real(lag_s)},queue={queue}i,write_ms={real(write_ms)},spool={spool}i"
        f",dead={dead}i,rss_mb={real(rss_mb)} {time_s}\n"
    ).encode()


class PointLines:
    """Points as lines, with the measurement and tags of every series escaped once."""

    def __init__(self) -> None:
        self._prefixes: dict[tuple[PlaceKey, int], str] = {}

    def encode(self, points: Points, keys: Sequence[PlaceKey]) -> list[Batch]:
        """All points as batches of at most `LINES_MAX` lines, stations before areas.

        `keys` is what `points.place` indexes.
        """
        is_area = np.array([not key.station for key in keys], bool)[points.place]
        batches = []
        for rows, is_areas in ((np.flatnonzero(~is_area), False), (np.flatnonzero(is_area), True)):
            for start in range(0, len(rows), LINES_MAX):
                part = points.take(rows[start:start + LINES_MAX]).storable()
                found = self._series(part, keys)
                lines = _area_lines(part, found) if is_areas else _station_lines(part, found)
                lines.append("")
                batches.append(Batch("\n".join(lines).encode(), len(part)))
        return batches

    def _series(self, points: Points, keys: Sequence[PlaceKey]) -> list[str]:
        """Measurement and tags of each point."""
        width = len(INDICATORS)
        codes, position = np.unique(
            points.place.astype(np.int64) * width + points.indicator, return_inverse=True)
        prefixes = []
        for code in codes.tolist():
            series = (keys[code // width], code % width)
            prefix = self._prefixes.get(series)
            if prefix is None:
                prefix = self._prefixes[series] = _prefix(*series)
            prefixes.append(prefix)
        return [prefixes[i] for i in position.tolist()]


def _prefix(key: PlaceKey, indicator: int) -> str:
    entry = INDICATORS[indicator]
    what = f"domain={tag(entry.domain)},ind={tag(entry.id)}"
    where = f"city={tag(key.city)},district={tag(key.district)}"
    if key.station:
        return f"indicator,{where},station={tag(key.station)},{what} value="
    return f"indicator_area,{where},scope={key.scope},{what} value="


def _station_lines(points: Points, prefixes: list[str]) -> list[str]:
    columns = zip(
        prefixes, points.value.tolist(), points.level.tolist(), points.cov.tolist(),
        points.n.tolist(), points.state.tolist(), points.rev.tolist(), points.end_s.tolist(),
        strict=True,
    )
    return [
        f"{prefix}{value!r},level={level}i,cov={cov!r},n={n}i,state={state}i,rev={rev}i {end_s}"
        for prefix, value, level, cov, n, state, rev, end_s in columns
    ]


def _area_lines(points: Points, prefixes: list[str]) -> list[str]:
    def spread(column: npt.NDArray[np.float64]) -> list[float]:
        """An area without stations to spread over repeats its value."""
        filled: list[float] = np.where(np.isfinite(column), column, points.value).tolist()
        return filled

    columns = zip(
        prefixes, points.value.tolist(), spread(points.p50), spread(points.p95),
        spread(points.max), points.level.tolist(), points.cov.tolist(), points.n.tolist(),
        np.maximum(points.over, 0).tolist(), points.end_s.tolist(), strict=True,
    )
    return [
        f"{prefix}{value!r},p50={p50!r},p95={p95!r},max={top!r},level={level}i,cov={cov!r}"
        f",n={n}i,over={over}i {end_s}"
        for prefix, value, p50, p95, top, level, cov, n, over, end_s in columns
    ]
