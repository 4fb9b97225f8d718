"""Families of reliability (IEEE 1366), at the end of each civil day: over 12 months, the month
and the year to date; the average interruption; and major event days of an area.

An interruption belongs to the day on which it began. An index of an area is that of all its
customers: SAIFI and SAIDI are weighted by customers, CAIDI by interruptions.
"""

import numpy as np

from engine.catalogue import POSITION
from engine.changed import Reaching
from engine.clock_windows import ClockWindows
from engine.family import CivilDays, Family, Floats, Integers, Result, Slots, blank
from engine.feeders import Feeders, Period, first_day
from engine.interruptions import Interruptions
from engine.panes import Panes
from engine.registry import Registry
from engine.reliability import asai, caidi, major_event_threshold, per_customer

KNOWN_SHARE_MIN = 0.9
"""Of the days of 12 months; the month and the year to date are given from the first report on."""
MED_DAYS, MED_DAYS_MIN = 5 * 365 + 1, 365
DAY_MINUTES = 1440.0
_TAIL = {"year": "", "month": "_month", "ytd": "_ytd"}


class _Days(CivilDays):
    """Days of feeders: nothing but an interruption changes them."""

    def __init__(self, feeders: Feeders) -> None:
        super().__init__(feeders)
        self.feeders = feeders

    def enrol(self, registry: Registry) -> None:
        """Take in new feeders."""
        self.feeders.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """No panes."""
        return np.zeros(0, np.int64), np.zeros(0, np.int64)

    def until_ms(self, member: int, day: int, now_min: int) -> int:
        """The end of a window, or now, Unix ms."""
        end = int(self.end_min(np.array([member], np.int64), np.array([day], np.int64))[0])
        return min(end, now_min) * 60_000


class Outages(_Days):
    """SAIFI, SAIDI, MAIFI (and ASAI, of 12 months) of a period up to each day."""

    def __init__(self, feeders: Feeders, kind: str) -> None:
        super().__init__(feeders)
        self.kind = kind
        names = ("saifi", "saidi", "maifi", *(("asai",) if kind == "year" else ()))
        self.indicators = tuple(POSITION[f"energy.{name}{_TAIL[kind]}"] for name in names)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a feeder and day."""
        result = blank(len(members), len(self.indicators))
        for k, (member, day) in enumerate(zip(members.tolist(), windows.tolist(), strict=True)):
            period = self.feeders.period(member, first_day(self.kind, day), day)
            sums = self.sums(member, period, now_min)
            served = self.feeders.served(member, min(period.known, day), day)
            result.weight[k] = served
            result.cov[k] = period.known_days / period.days
            result.n[k] = int(sums[3])
            if enough_known(self.kind, period):
                saidi = per_customer(sums[1], served)
                values = [per_customer(sums[0], served), saidi, per_customer(sums[2], served),
                          asai(saidi, period.known_days * DAY_MINUTES)]
                result.value[k] = values[: len(self.indicators)]
        return result

    def sums(self, member: int, period: Period, now_min: int) -> tuple[float, float, float, int]:
        """Customer interruptions, customer minutes, momentary ones, and steps of a period."""
        days, counts = self.feeders.steps(member, self.until_ms(member, period.last, now_min))
        inside = (days >= period.first) & (days <= period.last)
        total = [float(np.sum(column[inside])) for column in counts]
        return total[0], total[1], total[2], int(inside.sum())


class Durations(Outages):
    """CAIDI of a period up to each day; weighted by interruptions."""

    def __init__(self, feeders: Feeders, kind: str) -> None:
        super().__init__(feeders, kind)
        self.indicators = (POSITION[f"energy.caidi{_TAIL[kind]}"],)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a feeder and day; without an interruption there is none."""
        result = blank(len(members), 1)
        for k, (member, day) in enumerate(zip(members.tolist(), windows.tolist(), strict=True)):
            period = self.feeders.period(member, first_day(self.kind, day), day)
            sums = self.sums(member, period, now_min)
            result.weight[k], result.n[k] = sums[0], int(sums[3])
            result.cov[k] = period.known_days / period.days
            if enough_known(self.kind, period):
                result.value[k] = caidi(sums[1], sums[0])
        return result


class MajorEventDays(_Days):
    """Threshold of major event days of an area, and its indices of 12 months without them.

    The system is the area: its stations say nothing by themselves.
    """

    indicators = tuple(POSITION[f"energy.{name}"] for name in (
        "tmed", "saifi_without_med", "saidi_without_med",
    ))

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """No values: the areas alone have them."""
        result = blank(len(members), 3)
        result.between[:] = True
        return result

    def area(
        self, place: int, members: Integers, window: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float] | None:
        """Of all its interruptions together."""
        daily = self.daily(members, window, now_min)
        first = max(window - MED_DAYS + 1, int(self.feeders.since(members).min()))
        value, known = np.full(3, np.nan), max(window - first + 1, 0)
        if known >= MED_DAYS_MIN:
            value[0] = major_event_threshold(daily[-known:, 2].tolist()).threshold_min
            year = daily[-min(365, known):]
            usual = ~(year[:, 2] > value[0])
            served = float(np.mean(year[:, 3]))
            value[1] = per_customer(float(np.sum(year[usual, 0])), served)
            value[2] = per_customer(float(np.sum(year[usual, 1])), served)
        return value, min(known / MED_DAYS_MIN, 1.0)

    def daily(self, members: Integers, window: int, now_min: int) -> Floats:
        """float64[days, 4], oldest first: interruptions, minutes, SAIDI and customers of a day."""
        out = np.zeros((MED_DAYS, 4))
        first = window - MED_DAYS + 1
        for member in members.tolist():
            days, counts = self.feeders.steps(member, self.until_ms(member, window, now_min))
            inside = (days >= first) & (days <= window)
            np.add.at(out[:, 0], days[inside] - first, counts.interruptions[inside])
            np.add.at(out[:, 1], days[inside] - first, counts.minutes[inside])
            changes = self.feeders.changes.get(self.feeders.places[member], [])
            for i, (day, count) in enumerate(changes):
                until = changes[i + 1][0] if i + 1 < len(changes) else window + 1
                out[max(day - first, 0) : max(until - first, 0), 3] += count
        served = out[:, 3] > 0
        out[served, 2] = out[served, 1] / out[served, 3]
        return out


def enough_known(kind: str, period: Period) -> bool:
    """Whether the days that are known are enough of the period."""
    needed = KNOWN_SHARE_MIN * period.days if kind == "year" else 1
    return period.known_days >= needed


def outages_of(interruptions: Interruptions) -> list[ClockWindows]:
    """The windows of all families of reliability."""
    feeders = Feeders(interruptions)
    kinds = tuple(_TAIL)
    families: list[Family] = [
        *(Outages(feeders, kind) for kind in kinds), *(Durations(feeders, kind) for kind in kinds),
        MajorEventDays(feeders),
    ]
    return [ClockWindows(family, feeders) for family in families]
