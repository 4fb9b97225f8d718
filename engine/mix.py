"""The mix of electricity of each hour and day: renewable share and carbon intensity.

What is generated comes as power by source, the channel of the series (`engine.generation`). The
energy of an hour is the mean power of a series with 75 % of its minutes. A series without them
counts as unknown, with the most that it had in an hour of the day before: what that amounts to is
what the rule of 5 % is held against. A dated fact `ef_<source>` of the station, the district or
the city replaces the emission factor of the set, and `renewable_<source>` says what share of a
source is renewable.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.completeness import enough
from engine.family import (
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    blank,
    ranges,
    spread,
)
from engine.generation import CODE, COLUMNS, NAMES, SOURCES, known_means, known_shares
from engine.kernel import kernel
from engine.panes import COARSE, COVER, HOUR, SCALE, UNCOUNTED, Panes
from engine.registry import Registry

HOUR_MIN = 60
LOOK_BACK_H = 24
"""Hours before one without data in which its series tells how much it may have been."""
GENERATION = INDEX["generation"]
FACTOR, SHARE = "ef_", "renewable_"
"""What the names of facts begin with; the name of a source follows."""
_MINUTES = COVER & ~UNCOUNTED


@kernel(nb.void(
    nb.int32[::1], nb.int64[::1], nb.int64[::1], nb.int64[::1], nb.from_dtype(COARSE)[:, ::1],
    nb.float64[:, ::1], nb.float64[::1], nb.float64[::1],
))
def gather_energy(
    slots: Any, hours: Any, rows: Any, codes: Any, ring: Any, energy: Any, unknown: Any,
    minutes: Any,
) -> None:
    """Add the energy of series in hours to the sources of their windows.

    slots: int32[k]. hours: int64[k], local numbers. rows: int64[k], row of each window. codes:
    int64[k], columns of the sources. ring: COARSE[series, 240], hours. energy: float64[w, sources],
    in and out, kWh. unknown: float64[w], in and out, kWh, infinite where a series says nothing of a
    day. minutes: float64[w], in and out, those that the readings vouch for. Cost: 25 * k at most.
    """
    length = ring.shape[1]
    for k in range(slots.shape[0]):
        most = np.inf
        for back in range(LOOK_BACK_H + 1):
            index = hours[k] - back
            pane = ring[slots[k], index % length]
            if pane.tag != index or pane.n <= 0:
                continue
            covered = 0
            bits = pane.covered & _MINUTES
            while bits:
                bits &= bits - nb.uint64(1)
                covered += 1
            if back == 0:
                minutes[rows[k]] += covered
            if not enough(covered, HOUR_MIN):
                continue
            kwh = pane.sum / (pane.n * SCALE)
            if back == 0:
                energy[rows[k], codes[k]] += kwh
                most = 0.0
                break
            most = kwh if most == np.inf else max(most, kwh)
        unknown[rows[k]] += most


class Mixes(NamedTuple):
    """What k windows were made of.

    energy: float64[k, sources], kWh. unknown: float64[k], kWh. factors: float64[k, sources], g/kWh,
    and shares: float64[k, sources], 0..1, NaN unknown. parts: int64[k], series that there are.
    minutes: float64[k], of all of them.
    """

    energy: Floats
    unknown: Floats
    factors: Floats
    shares: Floats
    parts: Integers
    minutes: Floats

    def share(self) -> tuple[Floats, Floats]:
        """Renewable share of each window, and its energy; see `known_shares`."""
        return self._of(known_shares, self.shares)

    def intensity(self) -> tuple[Floats, Floats]:
        """Carbon intensity of each window, and the energy that has a factor."""
        return self._of(known_means, self.factors)

    def total(self) -> Floats:
        """All energy of each window, kWh, by which areas weigh; 0 where it is not known."""
        total: Floats = self.energy.sum(axis=1) + self.unknown
        return np.where(np.isfinite(total), total, 0.0)

    def _of(self, kernel_of: Any, told: Floats) -> tuple[Floats, Floats]:
        out, known = np.empty(len(told)), np.empty(len(told))
        kernel_of(self.energy, self.unknown, told, out, known)
        return out, known


class Sources(Members):
    """Places that generate; code: int64[series], the source of each series by its channel."""

    def __init__(self) -> None:
        super().__init__((GENERATION,))
        self.code: Integers = np.zeros(0, np.int64)
        self._seen = -1
        self._dated: dict[tuple[int, int], Floats] = {}
        self._told = False
        medians = [*SOURCES.values(), (np.nan, np.nan)]
        self._medians = np.array(medians, np.float64).T

    def enrol_from(self, registry: Registry) -> None:
        """Take in new series, and what facts say of sources."""
        if registry.version == self._seen:
            return
        self._seen = registry.version
        self.enrol(registry, registry.stations_with(("generation",)))
        self.code = np.array(
            [CODE.get(series.channel, COLUMNS - 1) for series in registry.series], np.int64
        )
        self._dated = {}
        self._told = bool(self.places) and any(
            fact.fact.startswith((FACTOR, SHARE)) for fact in registry.facts.facts
        )

    def properties(self, members: Integers, end_min: Integers) -> tuple[Floats, Floats]:
        """Factors and renewable shares of the sources of each member, float64[k, sources] each."""
        if not self._told:
            both = np.broadcast_to(self._medians[:, None, :], (2, len(members), COLUMNS)).copy()
            return both[0], both[1]
        days = self.civil_days(members, end_min - 1)
        pairs, of = np.unique(np.stack([members, days]), axis=1, return_inverse=True)
        found = np.stack([self._known_of(*pair) for pair in pairs.T.tolist()], axis=1)[
            :, of.reshape(-1)
        ]
        return np.ascontiguousarray(found[0]), np.ascontiguousarray(found[1])

    def _known_of(self, member: int, day: int) -> Floats:
        """float64[2, sources]: what is known of them at a member on a day, the nearest first."""
        if (member, day) not in self._dated:
            registry, place = self.registry, self.places[member]
            near = [place, *registry.parents(place)]
            found = self._medians.copy()
            for kind, prefix in enumerate((FACTOR, SHARE)):
                for name in NAMES:
                    values = [
                        registry.facts.at(registry.keys[at].path, prefix + name, day) for at in near
                    ]
                    known = [value for value in values if not np.isnan(value)]
                    if known:
                        found[kind, CODE[name]] = known[0]
            self._dated[member, day] = found
        return self._dated[member, day]

    def mixes(self, members: Integers, hours: Integers, panes: Panes) -> Mixes:
        """The mix of places in hours: members, hours int64[k], local numbers."""
        count = len(members)
        start = hours * HOUR_MIN - self.shift[members]
        row, column = np.nonzero(self.live(members, start, start + HOUR_MIN, panes))
        slots = self.table[members[row], column]
        energy, unknown, minutes = np.zeros((count, COLUMNS)), np.zeros(count), np.zeros(count)
        gather_energy(
            slots, hours[row], np.ascontiguousarray(row, np.int64), self.code[slots],
            panes.coarse[0], energy, unknown, minutes,
        )
        factors, shares = self.properties(members, start + HOUR_MIN)
        parts = np.bincount(row, minlength=count).astype(np.int64)
        return Mixes(energy, unknown, factors, shares, parts, minutes)


class MixHours(Cadence):
    """Renewable share and carbon intensity of each hour."""

    indicators = (POSITION["energy.renewable_share"], POSITION["energy.carbon_intensity"])
    back = LOOK_BACK_H

    def __init__(self, sources: Sources) -> None:
        super().__init__(sources)
        self.sources = sources

    def enrol(self, registry: Registry) -> None:
        """Take in new sources."""
        self.sources.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour, and those of the day after it, for which it may tell how much is unknown."""
        return spread(*of_level(changed, HOUR, member_of), LOOK_BACK_H + 1)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and hour."""
        result = blank(len(members), 2)
        mixes = self.sources.mixes(members, windows, panes)
        result.value[:, 0], _ = mixes.share()
        result.value[:, 1], _ = mixes.intensity()
        result.weight = mixes.total()
        result.n[:] = mixes.parts[:, None]
        result.cov[:] = (mixes.minutes / HOUR_MIN / np.maximum(mixes.parts, 1))[:, None]
        return result


class MixDays(CivilDays):
    """Renewable share and carbon intensity of each civil day, from its hours."""

    indicators = (POSITION["energy.renewable_share_day"], POSITION["energy.carbon_intensity_day"])
    back = 1

    def __init__(self, sources: Sources) -> None:
        super().__init__(sources)
        self.sources = sources

    def enrol(self, registry: Registry) -> None:
        """Take in new sources."""
        self.sources.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and the one that looks back on the hour."""
        members, hours = spread(*of_level(changed, HOUR, member_of), LOOK_BACK_H + 1)
        minute = hours * HOUR_MIN - self.members.shift[members]
        return members, self.members.civil_days(members, minute)

    def hours_of(
        self, members: Integers, days: Integers, now_min: int
    ) -> tuple[Integers, Integers]:
        """The hours of days that have ended: (row of the day, local number), in order."""
        shift = self.members.shift[members]
        first = (self.members.day_starts(members, days) + shift) // HOUR_MIN
        end = np.minimum(self.members.day_starts(members, days + 1), now_min)
        count = np.maximum((end + shift) // HOUR_MIN - first, 0)
        return ranges(np.arange(len(members)), first, count)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and day."""
        count = len(members)
        result = blank(count, 2)
        row, hours = self.hours_of(members, windows, now_min)
        mixes = self.sources.mixes(members[row], hours, panes)
        owed = np.bincount(row, weights=mixes.parts > 0, minlength=count)
        for column, (value, known) in enumerate((mixes.share(), mixes.intensity())):
            good = ~np.isnan(value)
            valid = np.bincount(row, weights=good, minlength=count)
            total = np.bincount(row, weights=np.where(good, known, 0.0), minlength=count)
            parts = np.bincount(row, weights=np.where(good, value * known, 0.0), minlength=count)
            whole = (4 * valid >= 3 * owed) & (total > 0)
            result.value[:, column] = np.where(whole, parts / np.maximum(total, 1e-300), np.nan)
            result.cov[:, column] = valid / np.maximum(owed, 1.0)
            result.n[:, column] = valid
        weight = np.bincount(row, weights=mixes.total(), minlength=count)
        result.weight = weight.astype(np.float64)
        return result
