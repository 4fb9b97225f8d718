"""Families of the power factor: of each hour, vector and arithmetic, and of each day by energies.

Power counts with the reactive power of the same device and channel (vector), or with voltage and
current of the same device, phase by phase (arithmetic). What lacks its partner does not count.
"""

from typing import NamedTuple

import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.completeness import enough
from engine.family import (
    NOT_MEASURED,
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    blank,
)
from engine.hour_means import HOUR_MIN, hour_means
from engine.panes import HOUR, Panes
from engine.power_factor import power_factor, vector_kva
from engine.registry import Registry

RATED = "rated_kva"
"""The fact that says the rated power of a station."""
POWER, REACTIVE, VOLTAGE, CURRENT = (
    INDEX[name] for name in ("power", "reactive", "voltage", "current")
)


class Apparent(NamedTuple):
    """P, S and Q of places and hours, float64[k], NaN insufficient, and the parts they have.

    parts: int64[k], series of power that count, 0: not measured. minutes: float64[k], the mean
    of what the parts vouch for.
    """

    kw: Floats
    kva: Floats
    kvar: Floats
    parts: Integers
    minutes: Floats


class Loads(Members):
    """Places with power and, beside it, reactive power or voltage and current.

    reactive: int32[series], of a power series the reactive one of its device and channel, else
    -1. phases: of a power series those of voltage and current, by phase, of its device.
    """

    def __init__(self) -> None:
        super().__init__((POWER, REACTIVE, VOLTAGE, CURRENT))
        self.reactive: Slots = np.zeros(0, np.int32)
        self.phases: dict[int, list[tuple[int, int]]] = {}
        self._seen = -1

    def enrol_from(self, registry: Registry) -> None:
        """Take in new series."""
        if registry.version == self._seen:
            return
        self._seen = registry.version
        found = registry.stations_with(("power", "reactive", "voltage", "current"))
        self.enrol(registry, {
            place: by for place, by in found.items()
            if POWER in by and (REACTIVE in by or (VOLTAGE in by and CURRENT in by))
        })
        slot_of = registry.slot_of
        self.reactive = np.array([
            slot_of.get(series._replace(quantity=REACTIVE), -1) if series.quantity == POWER else -1
            for series in registry.series
        ], np.int32)
        self.phases = self._phases(registry)

    def _phases(self, registry: Registry) -> dict[int, list[tuple[int, int]]]:
        """A power series of one channel has its own phase, one of none all of its device."""
        pairs: dict[tuple[int, int], list[tuple[str, int, int]]] = {}
        for slot, series in enumerate(registry.series):
            if series.quantity == VOLTAGE:
                current = registry.slot_of.get(series._replace(quantity=CURRENT), -1)
                if current >= 0:
                    here = pairs.setdefault((series.place, series.device), [])
                    here.append((series.channel, slot, current))
        out = {}
        for slot, series in enumerate(registry.series):
            if series.quantity == POWER:
                of = sorted(pairs.get((series.place, series.device), []))
                out[slot] = [
                    (voltage, current) for channel, voltage, current in of
                    if series.channel in ("", channel)
                ]
        return out

    def rated_kva(self, members: Integers, end_min: Integers) -> Floats:
        """What is known of the rated power of each member at each Unix minute, NaN unknown."""
        return np.array([
            self.registry.fact_at(self.places[member], RATED, minute)
            for member, minute in zip(members.tolist(), end_min.tolist(), strict=True)
        ])

    def power(self, members: Integers, hours: Integers, panes: Panes) -> tuple[Integers, Slots]:
        """Every power series that there is in each hour: (row of the hour, slot)."""
        start = hours * HOUR_MIN - self.shift[members]
        row, column = np.nonzero(self.live(members, start, start + HOUR_MIN, panes))
        slots = self.table[members[row], column]
        power = self.registry.quantity[slots] == POWER
        return row[power].astype(np.int64), slots[power]

    def vector(self, members: Integers, hours: Integers, panes: Panes) -> Apparent:
        """S as the root of the squared sums of P and Q."""
        row, slots = self.power(members, hours, panes)
        with_q = self.reactive[slots] >= 0
        row, slots = row[with_q], slots[with_q]
        quantity = self.registry.quantity
        kw, minutes = hour_means(slots, hours[row], quantity, panes)
        kvar, more = hour_means(self.reactive[slots], hours[row], quantity, panes)
        count = len(members)
        total, reactive = _sums(count, row, kw), _sums(count, row, kvar)
        kva = np.array([vector_kva(*pair) for pair in zip(
            total.tolist(), reactive.tolist(), strict=True)])
        parts = np.bincount(row, minlength=count)
        cover = _sums(count, row, np.minimum(minutes, more).astype(np.float64))
        return Apparent(total, kva, reactive, parts, cover / np.maximum(parts, 1))

    def arithmetic(self, members: Integers, hours: Integers, panes: Panes) -> Apparent:
        """S as the sum over the phases of voltage times current, kVA."""
        row, slots = self.power(members, hours, panes)
        with_ui = np.array([bool(self.phases[slot]) for slot in slots.tolist()], np.bool_)
        row, slots = row[with_ui], slots[with_ui]
        kw, minutes = hour_means(slots, hours[row], self.registry.quantity, panes)
        of = np.repeat(np.arange(len(slots)), [len(self.phases[s]) for s in slots.tolist()])
        pairs = np.array(
            [pair for slot in slots.tolist() for pair in self.phases[slot]], np.int32
        ).reshape(-1, 2)
        quantity = self.registry.quantity
        volts, cover_u = hour_means(pairs[:, 0], hours[row[of]], quantity, panes)
        amps, cover_i = hour_means(pairs[:, 1], hours[row[of]], quantity, panes)
        kva = _sums(len(slots), of, volts * amps / 1000.0)
        np.minimum.at(minutes, of, np.minimum(cover_u, cover_i))
        count = len(members)
        parts = np.bincount(row, minlength=count)
        cover = _sums(count, row, minutes.astype(np.float64)) / np.maximum(parts, 1)
        none = np.full(count, np.nan)
        return Apparent(_sums(count, row, kw), _sums(count, row, kva), none, parts, cover)


class PowerFactors(Cadence):
    """Power factor of each hour, with S as a vector or arithmetic."""

    def __init__(self, loads: Loads, *, arithmetic: bool = False) -> None:
        super().__init__(loads)
        self.loads = loads
        name = "power_factor_arithmetic" if arithmetic else "power_factor"
        self.indicators = (POSITION[f"energy.{name}"],)
        self._apparent = loads.arithmetic if arithmetic else loads.vector

    def enrol(self, registry: Registry) -> None:
        """Take in new loads."""
        self.loads.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and hour."""
        result = blank(len(members), 1)
        rated = self.loads.rated_kva(members, self.end_min(members, windows) - 1)
        apparent = self.apparent(members, windows, panes)
        for k in np.nonzero(apparent.parts)[0].tolist():
            kva = float(apparent.kva[k])
            result.value[k] = power_factor(float(apparent.kw[k]), kva, float(rated[k]))
        result.n[:, 0] = np.where(apparent.parts > 0, apparent.parts, NOT_MEASURED)
        result.cov[:, 0] = apparent.minutes / HOUR_MIN
        result.weight = np.nan_to_num(apparent.kva)
        return result

    def apparent(self, members: Integers, windows: Integers, panes: Panes) -> Apparent:
        """P and S of places and hours."""
        return self._apparent(members, windows, panes)


class PowerFactorDays(CivilDays):
    """Power factor of each civil day, from energies."""

    indicators = (POSITION["energy.power_factor_period"],)

    def __init__(self, loads: Loads) -> None:
        super().__init__(loads)
        self.loads = loads

    def enrol(self, registry: Registry) -> None:
        """Take in new loads."""
        self.loads.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day."""
        members, hours = of_level(changed, HOUR, member_of)
        return members, self.members.civil_days(
            members, hours * HOUR_MIN - self.members.shift[members]
        )

    def hours_of(
        self, member: int, day: int, now_min: int, panes: Panes
    ) -> tuple[Integers, Apparent]:
        """The hours of a day that have ended, by local number, and their power."""
        one, days = np.array([member], np.int64), np.array([day], np.int64)
        shift = int(self.members.shift[member])
        first = (int(self.members.day_starts(one, days)[0]) + shift) // HOUR_MIN
        end = int(self.members.day_starts(one, days + 1)[0])
        last = (min(end, now_min) + shift) // HOUR_MIN
        hours = np.arange(first, max(last, first), dtype=np.int64)
        return hours, self.loads.vector(np.full(len(hours), member, np.int64), hours, panes)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and day."""
        result = blank(len(members), 1)
        result.n[:] = NOT_MEASURED
        rated = self.loads.rated_kva(members, self.end_min(members, windows) - 1)
        for k, (member, day) in enumerate(zip(members.tolist(), windows.tolist(), strict=True)):
            hours, apparent = self.hours_of(member, day, now_min, panes)
            if not apparent.parts.any():
                continue
            good = ~np.isnan(apparent.kva)
            known = int(good.sum())
            result.n[k] = known
            result.cov[k] = known / len(hours)
            kwh, kvarh = float(np.sum(apparent.kw[good])), float(np.sum(apparent.kvar[good]))
            kvah = vector_kva(kwh, kvarh)
            result.weight[k] = float(kvah)
            if enough(known, len(hours)):
                result.value[k] = power_factor(kwh, kvah, float(rated[k]) * known)
        return result


def _sums(count: int, row: Integers, values: Floats) -> Floats:
    """Sum of the values of each row, float64[count]."""
    return np.asarray(np.bincount(row, weights=values, minlength=count), np.float64)
