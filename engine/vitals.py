"""The vital signs of one city: readings in, points out, time as an argument.

`apply` folds a batch of admitted readings into the panes; `tick` moves the clock and yields the
points that closed, were restated or are in progress. The same calls serve live, replay, backfill
and `compute`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.facts import Fact
from edge.places import PlaceKey, PlaceRow
from engine.air import AirDays
from engine.air_limit_days import AirLimits
from engine.air_years import AirYears
from engine.batch import Batch
from engine.changed import Changed
from engine.consumption import Consumption
from engine.daqi_hours import AirIndices
from engine.deliveries import Deliveries
from engine.drift_days import DriftDays
from engine.eaqi_hours import EaqiHours
from engine.energy import DemandBlocks, DemandPeaks, DemandSliding
from engine.family import Family
from engine.feeders import CUSTOMERS
from engine.frequency import Frequency
from engine.intake import take
from engine.interruptions import Interruption, Interruptions
from engine.judge import GAP_NS, LIMITS, Judge, flags_of, possible
from engine.loads import Loads, PowerFactorDays, PowerFactors
from engine.loops import LoopSpeeds
from engine.meters import Meters
from engine.mix import MixDays, MixHours, Sources
from engine.neighbour_windows import NeighbourWindows
from engine.outages import outages_of
from engine.own import OWN
from engine.own_hours import OwnHours
from engine.panes import HORIZON_DAYS, MINUTE_NS, Panes, apply_readings, fold_dirty
from engine.points import Points, concatenate
from engine.power_minutes import PowerMinutes
from engine.private import public
from engine.purpleair_hours import PurpleAirHours
from engine.qartod import FAIL
from engine.quality import Completeness, QualityHours, QualityMonths
from engine.registers import Registers
from engine.registry import Registry
from engine.retraction import refold, retract, span_ns
from engine.series import NO_LATE_NS, Series
from engine.sound import Microphones, SoundDays, SoundHours, SoundQuarters
from engine.sound_percentiles import PercentileDays, PercentileHours
from engine.spectra import Spectra
from engine.supply import Flicker, Supply, SupplyTens
from engine.supply_weeks import SupplyWeeks
from engine.ten_seconds import TenSeconds
from engine.timeliness import Timeliness
from engine.traffic import Segments, TrafficBins, TrafficDays
from engine.traffic_hours import TrafficHours
from engine.traffic_months import TrafficMonths
from engine.traffic_periods import TrafficPeriods
from engine.traffic_quarters import TrafficQuarters
from engine.traffic_totals import CongestionDays, DayTotals, HourTotals
from engine.windows import Windows

HORIZON_NS = HORIZON_DAYS * 86_400 * 1_000_000_000
OPEN_DAYS_MIN = 15
"""Days in progress are looked at once in so many minutes: blocks and bins end no more often."""


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
        self.registers = Registers()
        self.power = PowerMinutes()
        meters = Meters(self.registers, self.power)
        hours, loads, supply = AirIndices(), Loads(), Supply()
        sources, self.deliveries = Sources(), Deliveries()
        self.spectra, sounds, self.hertz = Spectra(), Microphones(), TenSeconds()
        self.counted = (self.spectra, self.hertz)
        self.peaks = DemandPeaks(meters)
        families: tuple[Family, ...] = (
            hours, AirDays(hours), TrafficBins(self.segments), TrafficDays(self.segments),
            DemandBlocks(meters), DemandSliding(meters), self.peaks, Completeness(),
            PowerFactors(loads), PowerFactors(loads, arithmetic=True), PowerFactorDays(loads),
            LoopSpeeds(), TrafficQuarters(self.segments), TrafficHours(self.segments),
            SupplyWeeks(supply), SupplyTens(supply), Flicker(supply),
            HourTotals(self.segments), DayTotals(self.segments), CongestionDays(self.segments),
            TrafficMonths(self.segments),
            QualityHours(), QualityMonths(), EaqiHours(hours),
            SoundQuarters(sounds), SoundHours(sounds),
            SoundDays(sounds), PercentileHours(sounds, self.spectra),
            PercentileDays(sounds, self.spectra),
            MixHours(sources), MixDays(sources), Timeliness(self.deliveries),
            AirYears(hours), AirLimits(hours), Frequency(self.hertz), Consumption(self.peaks),
            PurpleAirHours(), TrafficPeriods(self.segments),
        )
        self.windows = [Windows(family) for family in families]
        self.windows.append(NeighbourWindows(DriftDays(self.panes)))
        self.interruptions = Interruptions()
        self.outages = outages_of(self.interruptions)
        self.windows += self.outages
        self.windows += [Windows(OwnHours(own)) for own in OWN]
        self.series = Series()
        self.judge = Judge()
        self.now_ns = 0
        self._minute = 0
        self.open_days = 0
        self._version = -1

    def load_places(self, rows: list[PlaceRow]) -> None:
        """Take a new places file."""
        self.registry.load_places(rows)

    def interrupted(self, rows: Sequence[Interruption]) -> None:
        """Take in reported interruptions; each belongs where its device stood when it began."""
        for row in rows:
            self.interruptions.begun(row.start_ms)
            found = self.registry.row_at(row.device, row.start_ms)
            if found is None:
                continue
            place = self.registry.place(PlaceKey(found.city, found.district, found.station))
            customers = row.customers
            if customers is None:
                fact = self.registry.fact_at(place, CUSTOMERS, row.start_ms // 60_000)
                customers = found.customers if np.isnan(fact) else int(fact)
            self.interruptions.take(place, row, customers)

    def load_facts(self, facts: list[Fact]) -> None:
        """Take a new facts file."""
        self.registry.load_facts(facts)

    def delivered(self, batch: Batch) -> None:
        """Take note of how a batch came, with all its verdicts; before it is applied."""
        self.deliveries.take(batch, self.registry)

    def apply(self, batch: Batch) -> None:
        """Fold admitted readings (slot >= 0, verdict applied or late) into the panes."""
        self.fit()
        if not len(batch):
            return
        taken = take(batch, self.registry, self.series, self.judge, self.panes)
        if len(taken.beside):
            self._fold_beside(taken.beside, taken.span)
        if len(taken.released):
            self._fold_released(taken.released)
        if len(taken.aside_ns):
            self._set_aside(taken.aside_slot, taken.aside_ns)

    def _fold_beside(self, batch: Batch, span: npt.NDArray[np.int32]) -> None:
        """What is kept of readings beside panes, whose minute ring has them already."""
        registry, panes = self.registry, self.panes
        self.registers.apply(
            batch.slot, batch.time_ns, batch.value, batch.flag, registry.shift
        )
        self.power.apply(batch, span, registry, panes.minutes, panes.touched)
        for of in self.counted:
            of.apply(batch, registry)

    def fold_held(self, before_ns: int) -> None:
        """Fold readings older than that which wait for what would tell a spike: none came."""
        released = self.judge.release(before_ns)
        if len(released):
            self._fold_released(released)

    def _fold_released(self, released: npt.NDArray[np.void]) -> None:
        """Fold what was held, with the flag that it has got."""
        count = len(released)
        none = np.zeros(count, np.int64)
        batch = Batch(
            released["slot"].copy(), released["time_ns"].copy(), released["value"].copy(),
            released["flag"].copy(), none.astype(np.int32), none, none, none.astype(np.uint8), 0,
        )
        registry, panes, span = self.registry, self.panes, self._spans(batch)
        apply_readings(
            batch.slot, batch.time_ns, batch.value, batch.flag, span, panes.minutes, panes.fine,
            panes.coarse, panes.rows, registry.quantity, registry.shift, panes.dirty,
            panes.first_min, panes.touched,
        )
        self._fold_beside(batch, span)

    def _set_aside(
        self, slot: npt.NDArray[np.int32], time_ns: npt.NDArray[np.int64]
    ) -> None:
        """Days of series that must be judged anew, where a spike is possible at all."""
        registry, panes = self.registry, self.panes
        found = np.empty(len(slot), np.bool_)
        possible(
            slot, time_ns, registry.quantity, LIMITS, self.judge.table, panes.minutes,
            panes.coarse[0], registry.shift, found,
        )
        for s, at in zip(slot[found].tolist(), time_ns[found].tolist(), strict=True):
            for edge in (at - GAP_NS, at + GAP_NS):
                self.judge.unsettled.add((s, span_ns(s, edge, registry)[0]))

    def retract(self, batch: Batch) -> None:
        """Take applied readings out again that lost against another of their series and time."""
        self.fit()
        retract(batch, self.panes, self.registry)
        self.power.apply(
            batch, self._spans(batch), self.registry, self.panes.minutes, self.panes.touched, -1
        )
        for of in self.counted:
            of.apply(batch, self.registry, -1)

    def refold(self, slot: int, first_ns: int, around: Batch, lost: int) -> bool:
        """As `engine.retraction.refold`: one local day of a series from all its readings.

        around: all readings of the day from `first_ns` on, and `GAP_NS` about it, by time. They
        are judged anew: what is a spike does not count.
        """
        first_ns, end_ns = span_ns(slot, first_ns, self.registry)
        flag = flags_of(
            int(self.registry.quantity[slot]), around.time_ns, around.value, around.flag
        )
        failed = int(((flag == FAIL) & (around.flag != FAIL)).sum())
        inside = (around.time_ns >= first_ns) & (around.time_ns < end_ns)
        batch = replace(around, flag=flag).take(inside)
        judged = failed > 0 or (slot, first_ns) in self.judge.unsettled
        judged |= bool(self.judge.table["held"][slot])
        if not refold(
            slot, first_ns, batch, lost, self.panes, self.registers, self.registry, judged=judged
        ):
            return False
        self.judge.let_go(slot, first_ns, end_ns)
        self.power.clear(slot, first_ns // MINUTE_NS, end_ns // MINUTE_NS)
        for of in self.counted:
            of.clear(slot, first_ns // MINUTE_NS, end_ns // MINUTE_NS, self.registry)
            of.apply(batch, self.registry)
        self.power.apply(
            batch, self._spans(batch), self.registry, self.panes.minutes, self.panes.touched
        )
        return True

    def _spans(self, batch: Batch) -> npt.NDArray[np.int32]:
        """int32[k], minutes that each reading stands for."""
        minute_s = batch.time_ns // MINUTE_NS * 60
        return self.registry.span_at(batch.slot, minute_s).astype(np.int32)

    def tick(self, now_ns: int, *, with_open: bool) -> Points:
        """Move the clock to `now_ns` (Unix ns) and yield the points that follow from it.

        Points of one family are in the order restated, closed; open ones come last.
        Windows close and are restated when the minute changes; `with_open` asks for open ones too.
        """
        self.fit()
        self.now_ns = max(self.now_ns, now_ns)
        now_min = self.now_ns // MINUTE_NS
        self.fold_held(self.now_ns - GAP_NS - MINUTE_NS)
        self._note(self.fold())
        parts: list[Points] = []
        if now_min > self._minute:
            self._freeze(now_min)
            told = self.interruptions.take_touched()
            for outages in self.outages:
                outages.changed(told)
            wall_min = (self.now_ns - self.grace_s * 1_000_000_000) // MINUTE_NS
            for windows in self.windows:
                windows.begin(self.panes.first_min)
                if not windows.quiet(now_min):
                    with windows.remembering():
                        parts += self._settle(windows, now_min, wall_min)
                if now_min // 60 > self._minute // 60:
                    windows.forget(now_min - HORIZON_DAYS * 1440)
            self._minute = now_min
        if with_open:
            parts += self.open_windows()
        return public(concatenate(parts), self.registry)

    def fold(self) -> Changed:
        """Fold what was taken in; the panes that changed since the last call."""
        panes, shift = self.panes, self.registry.shift
        fold_dirty(
            panes.minutes, panes.fine, panes.coarse, panes.rows, self.registry.quantity, shift,
            panes.dirty, panes.touched,
        )
        rows = [panes.take_touched(shift), self.registers.take_changed()]
        self.enrol()
        return Changed(np.concatenate(rows), shift)

    def _freeze(self, now_min: int) -> None:
        """Freeze free-flow speeds; what was held against others is said anew."""
        members, days, moved = self.segments.freeze(now_min, self.panes)
        if not len(members):
            return
        for windows in self.windows:
            if isinstance(windows.family, TrafficDays):
                windows.say_anew(members, days)
            elif isinstance(windows.family, DayTotals | CongestionDays | TrafficMonths):
                windows.say_anew(members[moved], days[moved])
            elif isinstance(windows.family, TrafficBins | TrafficQuarters | HourTotals):
                windows.say_anew(*windows.family.of_days(members[moved], days[moved]))

    def _note(self, changed: Changed) -> None:
        """Tell the windows which panes changed, and which series began earlier than known."""
        told = self.series.told_min[: len(self.registry.series)]
        first = self.panes.first_min[: len(told)]
        moved = np.nonzero(first < told)[0].astype(np.int32)
        for windows in self.windows:
            if len(moved):
                windows.widen(moved, told[moved], first[moved])
            windows.note(changed)
        told[moved] = first[moved]

    def open_windows(self) -> Iterator[Points]:
        """Windows in progress that had readings, a family at a time, as of the last tick; those of
        a minute are over before one looks."""
        now_min = self.now_ns // MINUTE_NS
        days = now_min // OPEN_DAYS_MIN > self.open_days
        if days:
            self.open_days = now_min // OPEN_DAYS_MIN
        for windows in self.windows:
            if windows.step_min == 1 or (windows.daily and not days):
                continue
            members, ordinals = windows.take_open(now_min)
            if not len(members):
                continue
            keys = np.unique(windows.areas.keys(members, ordinals))[-1:]
            keys = keys[keys > windows.areas.closed]
            with windows.remembering():
                parts = [
                    windows.station_points(members, ordinals, now_min, self.panes, "open"),
                    windows.area_points(keys, now_min, self.panes, "open"),
                ]
            yield concatenate(parts)

    def _settle(self, windows: Windows, now_min: int, wall_min: int) -> list[Points]:
        """Close what is due, say anew what changed."""
        panes = self.panes
        # At the last settling these were final: no reading that came since can belong to them.
        final_min = self._minute - HORIZON_DAYS * 1440
        late = windows.take_late(final_min)
        due = windows.due(now_min, wall_min, self.series.delivered_min)
        # Oldest first: the peak of a month looks at the days before.
        parts = [
            windows.station_points(*late, now_min, panes, "restated"),
            windows.station_points(*due, now_min, panes, "closing"),
        ]
        if len(due[0]):
            self._mark_closed(windows)
        # A station that is new brings windows of its own that its areas have closed already.
        recent = windows.not_final(*due, final_min)
        areas = np.union1d(windows.areas.containing(*late), windows.areas.containing(*recent))
        parts.append(windows.area_points(areas, now_min, panes, "restated"))
        parts.append(windows.area_points(windows.closed_areas(), now_min, panes, "closing"))
        return parts

    def _mark_closed(self, windows: Windows) -> None:
        """Note up to which time each series' windows are closed: what comes before is late."""
        started = windows.started()
        closed_ns = windows.family.end_min(started, windows.closed[started]) * MINUTE_NS
        table = windows.family.members.table[started]
        for column in range(table.shape[1]):
            known = table[:, column] >= 0
            np.maximum.at(self.series.closed_ns, table[known, column], closed_ns[known])

    def resume(self, now_ns: int) -> None:
        """Take up the clock where a snapshot left it."""
        self.now_ns = now_ns
        self._minute = now_ns // MINUTE_NS

    def take_restated(self) -> Restated:
        """Late readings since the last call, for events that say what changed and why."""
        late_n, oldest_ns = self.series.late_n, self.series.late_oldest_ns
        slots = np.nonzero(late_n)[0].astype(np.int32)
        found = Restated(slots, late_n[slots], oldest_ns[slots])
        late_n[:] = 0
        oldest_ns[:] = NO_LATE_NS
        return found

    def enrol(self) -> None:
        """Tell the families of new series and places."""
        if self._version != self.registry.version:
            self._version = self.registry.version
            for windows in self.windows:
                windows.enrol(self.registry)

    def fit(self) -> None:
        """Make room for the series that the registry knows."""
        self.series.fit(len(self.registry.quantity))
        self.judge.fit(len(self.registry.quantity))
        self.registers.fit(self.registry)
        self.power.fit(len(self.registry.quantity))
        for of in self.counted:
            of.fit(len(self.registry.quantity))
