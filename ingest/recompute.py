"""The past anew, from the archive: all points, or those of an indicator that came later.

The archive is replayed from its beginning through the same line as at every start, into a store of
its own beside the one in force; what it says is then taken over, day by day. Ingest must not run
meanwhile: the folder is held.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.places import PlacesError
from edge.places import load as load_places
from engine.catalogue import INDICATORS, POSITION
from engine.points import Points, empty
from engine.registry import private_keys
from engine.vitals import Vitals
from ingest.archive import SUFFIX, read
from ingest.folder_lock import held
from ingest.influx import InfluxSink
from ingest.late_rows import LateRows
from ingest.line import Line
from ingest.lines import PointLines
from ingest.outlet import Known
from ingest.outlets import Outlets
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from ingest.sqlite_file import CLOSED
from ingest.store import Store
from ingest.store_merge import Row, Taken, take_over
from ingest.store_schema import POINT_COLUMNS

SCRATCH = "recompute.db"
LOOKBACK_DAYS = 40
"""No window looks further back: where the archive's beginning is gone, points that end within so
many days of what is left keep what they say."""
_DAY_NS = 86_400 * 10**9


class Wanted(NamedTuple):
    """Window ends from and before, Unix s; keys of indicators, empty for all; InfluxDB, too."""

    from_s: int = 0
    to_s: int = 1 << 40
    indicators: Sequence[str] = ()
    influx: bool = False


class _Chosen(Outlets):
    """The outlets of a replay: only what is wanted, and how far the clock has come."""

    def __init__(self, store: Store, wanted: Wanted, progress: Callable[[int], None]) -> None:
        super().__init__(store)
        self._wanted = wanted
        self._progress = progress
        names = wanted.indicators or [entry.key for entry in INDICATORS]
        self._rows = np.array([POSITION[name] for name in names], np.int16)

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Those of the wanted indicators and windows."""
        chosen = np.isin(points.indicator, self._rows)
        chosen &= (points.end_s >= self._wanted.from_s) & (points.end_s < self._wanted.to_s)
        known = np.broadcast_to(np.asarray(known_ms, np.int64), len(points))
        super().points(points.take(chosen), vitals, known[chosen])

    def restated(self, vitals: Vitals) -> None:
        """As when it happened; once a minute of the past."""
        super().restated(vitals)
        self._progress(vitals.now_ns)


def span_ns(archive: Path) -> tuple[int, int]:
    """Receive times of the first record and of the begin of the last segment, Unix ns."""
    first = next(iter(read(archive)), None)
    names = sorted(path.stem for path in archive.glob(f"*{SUFFIX}"))
    last = int(np.datetime64(names[-1], "ns").astype(np.int64)) + _DAY_NS if names else 0
    return (first.received_ns if first else 0), last


def recompute(folder: Path, wanted: Wanted, progress: Callable[[float], None]) -> Taken:
    """Compute the past of the data folder anew; `progress` gets 0..1.

    Raises `FolderInUseError` if ingest runs, `ArchiveError`, `StoreError`.
    """
    with held(folder / "ingest"):
        scratch = folder / SCRATCH
        _remove(scratch)
        try:
            return _recompute(folder, scratch, wanted, progress)
        finally:
            _remove(scratch)


def _recompute(
    folder: Path, scratch: Path, wanted: Wanted, progress: Callable[[float], None]
) -> Taken:
    first_ns, last_ns = span_ns(folder / "ingest" / "archive")

    def told(now_ns: int) -> None:
        progress(min(max((now_ns - first_ns) / max(last_ns - first_ns, 1), 0.0), 1.0))

    fresh = Store.create(scratch)
    line = Line(folder / "ingest", _Chosen(fresh, wanted, told), 60)
    try:
        with suppress(PlacesError):
            rows = load_places(folder / "places.csv")
            line.late_rows = LateRows(rows)
            # Older rows must not tell of stations private by now.
            line.vitals.registry.hide(private_keys(rows))
        line.open(whole=True)
        keys = {key.path: place for place, key in enumerate(line.vitals.registry.keys)}
        gone = bool(line.removed.segments)
    finally:
        line.close(save=False)
        fresh.close()
    keep_before_s = (first_ns + LOOKBACK_DAYS * _DAY_NS) // 10**9 if gone else 0
    Store.create(folder / "store.db").close()
    spool = Spool.create(folder / "spool.db") if wanted.influx else None
    sink = InfluxSink(InfluxSettings(), spool) if spool else None
    lines, names = PointLines(), line.vitals.registry.keys

    def write(rows: list[Row]) -> None:
        if sink is not None:
            sink.write(lines.encode(points_of(rows, keys), names))

    try:
        taken = take_over(folder / "store.db", scratch, keep_before_s, write)
    finally:
        if spool is not None:
            spool.close()
    progress(1.0)
    return taken


def points_of(rows: list[Row], place_of: dict[str, int]) -> Points:
    """Stored rows as points again."""
    points = empty(len(rows))
    points.indicator[:] = [POSITION[row.indicator] for row in rows]
    points.place[:] = [place_of[row.path] for row in rows]
    points.end_s[:] = [row.end_s for row in rows]
    for k, name in enumerate(POINT_COLUMNS):
        blank = np.nan if name in {"p50", "p95", "max"} else 0
        getattr(points, name)[:] = [
            blank if row.said[k] is None else row.said[k] for row in rows
        ]
    return points


def _remove(scratch: Path) -> None:
    for tail in ("", "-wal", "-shm", CLOSED):
        scratch.with_name(scratch.name + tail).unlink(missing_ok=True)
