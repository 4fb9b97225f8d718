"""The vital signs of one city: readings in, points out, time as an argument.

`apply` folds a batch of admitted readings into the panes; `tick` moves the clock and yields the
points that closed, were restated or are in progress. The same calls serve live, replay, backfill
and `compute`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow
from engine.air import AirDays, AirHours
from engine.batch import Batch
from engine.energy import DemandBlocks, DemandPeaks, DemandSliding, Meters
from engine.panes import HORIZON_DAYS, MINUTE_NS, Panes, apply_readings, fold_dirty
from engine.points import Points, concatenate
from engine.quality import Completeness
from engine.registry import Registry
from engine.traffic import Segments, TrafficBins, TrafficDays
from engine.windows import NEVER_MIN, Windows

HORIZON_NS = HORIZON_DAYS * 86_400 * 1_000_000_000
_LONG_AGO = -(1 << 40)


@dataclass(slots=True)
class Series:
    """What is known of each series beside its panes; all [series]."""

    first_min: npt.NDArray[np.int64]
    delivered_min: npt.NDArray[np.int64]
    closed_ns: npt.NDArray[np.int64]
    last_ns: npt.NDArray[np.int64]
    last_value: npt.NDArray[np.float64]
    last_flag: npt.NDArray[np.uint8]


@dataclass(slots=True)
class Restated:
    """Late readings since the last tick, by series: counts and the oldest time."""

    slots: npt.NDArray[np.int32]
    readings: npt.NDArray[np.int64]
    oldest_ns: npt.NDArray[np.int64]


class Vitals:
    """The state of one city."""

    def __init__(self, grace_s: int = 60) -> None:
        self.grace_s = grace_s
        self.panes = Panes()
        self.registry = Registry()
        self.segments = Segments()
        meters = Meters()
        hours = AirHours()
        self.peaks = DemandPeaks(meters)
        self.windows = [Windows(family) for family in (
            hours, AirDays(hours), TrafficBins(self.segments), TrafficDays(self.segments),
            DemandBlocks(meters), DemandSliding(meters), self.peaks, Completeness(),
        )]
        self.series = Series(
            np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64),
            np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint8),
        )
        self.now_ns = 0
        self._minute = 0
        self._version = -1
        self._late_n = np.zeros(0, np.int64)
        self._late_oldest = np.zeros(0, np.int64)

    def load_places(self, rows: list[PlaceRow]) -> None:
        """Take a new places file."""
        self.registry.load_places(rows)

    def apply(self, batch: Batch) -> None:
        """Fold admitted readings (slot >= 0, verdict applied or late) into the panes."""
        self.fit()
        slot, time_ns = batch.slot, batch.time_ns
        if not len(slot):
            return
        series = self.series
        period_s = self.registry.period_at(slot, time_ns // 1_000_000_000)
        span = np.maximum(np.rint(period_s / 60), 1).astype(np.int32)
        panes = self.panes
        apply_readings(
            slot, time_ns, batch.value, batch.flag, span, panes.minutes, panes.fine,
            panes.coarse, panes.rows, self.registry.quantity, self.registry.shift, panes.dirty,
            panes.touched,
        )
        minute = time_ns // MINUTE_NS
        np.minimum.at(series.first_min, slot, minute)
        reach = (time_ns + (period_s * 1e9).astype(np.int64)) // MINUTE_NS
        np.maximum.at(series.delivered_min, slot, reach)
        late = time_ns < series.closed_ns[slot]
        if late.any():
            np.add.at(self._late_n, slot[late], 1)
            np.minimum.at(self._late_oldest, slot[late], time_ns[late])
        order = np.argsort(time_ns, kind="stable")
        newest = order[time_ns[order] >= series.last_ns[slot[order]]]
        series.last_ns[slot[newest]] = time_ns[newest]
        series.last_value[slot[newest]] = batch.value[newest]
        series.last_flag[slot[newest]] = batch.flag[newest]

    def tick(self, now_ns: int, *, with_open: bool) -> Points:
        """Move the clock to `now_ns` (Unix ns) and yield the points that follow from it.

        Points of one tick are in the order closed, restated, open; areas after their stations.
        Windows close and are restated when the minute changes; `with_open` asks for those in
        progress too.
        """
        self.fit()
        self.now_ns = max(self.now_ns, now_ns)
        now_min = self.now_ns // MINUTE_NS
        panes = self.panes
        fold_dirty(
            panes.minutes, panes.fine, panes.coarse, panes.rows, self.registry.quantity,
            self.registry.shift, panes.dirty, panes.touched,
        )
        changed = panes.take_touched()
        self.enrol()
        for windows in self.windows:
            windows.note(changed)
        parts: list[Points] = []
        if now_min > self._minute:
            self.segments.freeze(now_min, panes)
            wall_min = (self.now_ns - self.grace_s * 1_000_000_000) // MINUTE_NS
            for windows in self.windows:
                windows.begin(self.series.first_min)
                parts += self._settle(windows, now_min, wall_min)
            self._minute = now_min
        if with_open:
            for windows in self.windows:
                members, ordinals = windows.take_open(now_min)
                if len(members):
                    parts.append(windows.station_points(
                        members, ordinals, now_min, panes, "open"
                    ))
                    current = self._open_areas(windows, members, ordinals)
                    parts.append(windows.area_points(current, now_min, panes, "open"))
        return concatenate(parts)

    def _settle(self, windows: Windows, now_min: int, wall_min: int) -> list[Points]:
        """Close what is due, restate what changed."""
        panes = self.panes
        late = windows.take_late()
        members, ordinals = windows.due(now_min, wall_min, self.series.delivered_min)
        parts = [windows.station_points(members, ordinals, now_min, panes, "closing")]
        if len(members):
            self._mark_closed(windows)
        areas = windows.area_of(*late)
        parts.append(windows.area_points(
            windows.area_windows(now_min), now_min, panes, "closing"
        ))
        parts.append(windows.station_points(*late, now_min, panes, "restated"))
        parts.append(windows.area_points(areas, now_min, panes, "restated"))
        if now_min // 60 > self._minute // 60:
            windows.forget(now_min - HORIZON_DAYS * 1440)
        return parts

    def _open_areas(
        self, windows: Windows, members: npt.NDArray[np.int64], ordinals: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        keys = ordinals if windows.daily else windows.family.end_min(members, ordinals)
        latest: npt.NDArray[np.int64] = np.unique(keys)[-1:]
        return latest[latest > windows.area_closed]

    def _mark_closed(self, windows: Windows) -> None:
        """Note up to which time each series' windows are closed: what comes before is late."""
        started = windows.started()
        closed_ns = windows.family.end_min(started, windows.closed[started]) * MINUTE_NS
        table = windows.family.slots()[started]
        for column in range(table.shape[1]):
            known = table[:, column] >= 0
            np.maximum.at(self.series.closed_ns, table[known, column], closed_ns[known])

    def resume(self, now_ns: int) -> None:
        """Take up the clock where a snapshot left it."""
        self.now_ns = now_ns
        self._minute = now_ns // MINUTE_NS

    def take_restated(self) -> Restated:
        """Late readings since the last call, for events that say what changed and why."""
        slots = np.nonzero(self._late_n)[0].astype(np.int32)
        found = Restated(slots, self._late_n[slots], self._late_oldest[slots])
        self._late_n[:] = 0
        self._late_oldest[:] = np.iinfo(np.int64).max
        return found

    def enrol(self) -> None:
        """Tell the families of new series and places."""
        if self._version != self.registry.version:
            self._version = self.registry.version
            for windows in self.windows:
                windows.enrol(self.registry, self.series.first_min)

    def fit(self) -> None:
        """Make room for the series that the registry knows."""
        more = len(self.registry.quantity) - len(self.series.first_min)
        if more <= 0:
            return
        fills = {
            "first_min": NEVER_MIN, "delivered_min": _LONG_AGO, "closed_ns": 0, "last_ns": 0,
            "last_value": 0, "last_flag": 0,
        }
        for name, fill in fills.items():
            old = getattr(self.series, name)
            grown = np.concatenate([old, np.full(more, fill, old.dtype)])
            setattr(self.series, name, grown)
        self._late_n = np.zeros(len(self.series.first_min), np.int64)
        self._late_oldest = np.full(len(self._late_n), np.iinfo(np.int64).max, np.int64)
