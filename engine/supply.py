"""Supply voltage of each ten minutes: unbalance and distortion; flicker of each two hours.

Phases are the channels l1, l2, l3 of one device, voltages between them l12, l23, l31.
"""

from typing import NamedTuple

import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.family import (
    NOT_MEASURED,
    Cadence,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    blank,
    ranges,
)
from engine.hour_means import TEN_MIN, ten_means
from engine.panes import TEN, Panes
from engine.registry import Registry
from engine.voltage import NOMINAL_V, long_term_flicker, sequences, unbalance

VOLTAGE, THD, ANGLE, PST = (INDEX[name] for name in ("voltage", "thd", "angle", "pst"))
NOMINAL = "nominal_voltage"
"""The fact that says the nominal voltage of a station, between phase and neutral."""
PHASES, LINES = ("l1", "l2", "l3"), ("l12", "l23", "l31")
PST_OF_PLT = 12


class Three(NamedTuple):
    """The three voltages of a device: slots, and those of their angles, -1 without."""

    volts: tuple[int, int, int]
    angles: tuple[int, int, int]

    @property
    def with_angles(self) -> bool:
        """Whether all three angles are measured."""
        return min(self.angles) >= 0


class Unbalances(NamedTuple):
    """u2 of every three voltages: row of the window int64[k], which of `Supply.threes` int64[k],
    float64[k] in %, NaN insufficient."""

    row: Integers
    which: Integers
    percent: Floats


class Supply(Members):
    """Places with voltage, distortion or flicker.

    threes: of all devices, by member. starts: int64[members + 1]: those of member m are
    threes[starts[m] : starts[m + 1]].
    """

    def __init__(self) -> None:
        super().__init__((VOLTAGE, THD, ANGLE, PST))
        self.threes: list[Three] = []
        self.starts: Integers = np.zeros(1, np.int64)
        self._seen = -1

    def enrol_from(self, registry: Registry) -> None:
        """Take in new series."""
        if registry.version == self._seen:
            return
        self._seen = registry.version
        found = registry.stations_with(("voltage", "thd", "angle", "pst"))
        self.enrol(registry, found)
        of = [self._threes(registry, found[place]) for place in self.places]
        self.threes = [three for threes in of for three in threes]
        self.starts = np.cumsum([0, *map(len, of)], dtype=np.int64)

    def _threes(self, registry: Registry, by: dict[int, list[int]]) -> list[Three]:
        devices = sorted({registry.series[slot].device for slot in by.get(VOLTAGE, [])})
        found = [self._three(registry, by, device) for device in devices]
        return [three for three in found if three is not None]

    def _three(
        self, registry: Registry, by: dict[int, list[int]], device: int
    ) -> Three | None:
        """Of a device, with angles if it tells them; voltages between phases come first."""
        channels = [
            {registry.series[slot].channel: slot for slot in by.get(quantity, [])
             if registry.series[slot].device == device}
            for quantity in (VOLTAGE, ANGLE)
        ]
        for names in (LINES, PHASES):
            if all(name in channels[0] for name in names):
                one, two, three = names
                return Three(
                    (channels[0][one], channels[0][two], channels[0][three]),
                    (channels[1].get(one, -1), channels[1].get(two, -1),
                     channels[1].get(three, -1)),
                )
        return None

    def series_of(
        self, members: Integers, start_min: Integers, end_min: Integers, quantity: int,
        panes: Panes,
    ) -> tuple[Integers, Slots]:
        """Every series of a quantity that there is in each window: (row of the window, slot)."""
        row, column = np.nonzero(self.live(members, start_min, end_min, panes))
        slots = self.table[members[row], column]
        known = self.registry.quantity[slots] == quantity
        return row[known].astype(np.int64), slots[known]

    def nominal(self, slots: Slots, minutes: Integers) -> Floats:
        """Nominal voltage of each series at each Unix minute: the fact's, else 230 V."""
        out = np.empty(len(slots))
        for k, (slot, minute) in enumerate(zip(slots.tolist(), minutes.tolist(), strict=True)):
            series = self.registry.series[slot]
            volts = self.registry.fact_at(series.place, NOMINAL, minute)
            volts = NOMINAL_V if np.isnan(volts) else volts
            out[k] = volts * np.sqrt(3.0) if series.channel in LINES else volts
        return out

    def threes_of(self, members: Integers) -> tuple[Integers, Integers]:
        """The threes of each of the members: (row, which), int64[k]."""
        first = self.starts[members]
        return ranges(np.arange(len(members)), first, self.starts[members + 1] - first)

    def unbalances(self, members: Integers, tens: Integers, panes: Panes) -> Unbalances:
        """Unbalance of members in ten minutes, int64[k] local numbers, of each of their threes."""
        row, which = self.threes_of(members)
        quantity = self.registry.quantity
        slots = np.array([three.volts for three in self.threes], np.int32).reshape(-1, 3)[which]
        angles = np.array([three.angles for three in self.threes], np.int32).reshape(-1, 3)[which]
        at = np.repeat(tens[row], 3)
        volts = ten_means(slots.ravel(), at, quantity, panes)[0].reshape(-1, 3)
        found = unbalance(volts)
        told = np.nonzero((angles >= 0).all(axis=1))[0]
        degrees = ten_means(
            angles[told].ravel(), np.repeat(tens[row[told]], 3), quantity, panes
        )[0].reshape(-1, 3)
        for k, of in zip(told.tolist(), degrees.tolist(), strict=True):
            found[k] = sequences(volts[k].tolist(), of)[0]
        return Unbalances(row, which, found)


class SupplyTens(Cadence):
    """Unbalance and distortion of each ten minutes: of the worst device, of the worst phase."""

    indicators = (POSITION["energy.unbalance"], POSITION["energy.thd"])
    minutes = TEN_MIN

    def __init__(self, supply: Supply) -> None:
        super().__init__(supply)
        self.supply = supply

    def enrol(self, registry: Registry) -> None:
        """Take in new series."""
        self.supply.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The ten minutes."""
        return of_level(changed, TEN, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and ten minutes."""
        result = blank(len(members), 2)
        end = self.end_min(members, windows)
        row, _, found = self.supply.unbalances(members, windows, panes)
        _worst(result, 0, row, found)
        row, slots = self.supply.series_of(members, end - TEN_MIN, end, THD, panes)
        found, _ = ten_means(slots, windows[row], self.supply.registry.quantity, panes)
        _worst(result, 1, row, found)
        return result


class Flicker(Cadence):
    """Long-term flicker of each two hours, of the worst phase: 12 values of ten minutes."""

    indicators = (POSITION["energy.flicker_plt"],)
    minutes = PST_OF_PLT * TEN_MIN

    def __init__(self, supply: Supply) -> None:
        super().__init__(supply)
        self.supply = supply

    def enrol(self, registry: Registry) -> None:
        """Take in new series."""
        self.supply.enrol_from(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The two hours."""
        members, tens = of_level(changed, TEN, member_of)
        return members, tens // PST_OF_PLT

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a place and two hours."""
        result = blank(len(members), 1)
        end = self.end_min(members, windows)
        row, slots = self.supply.series_of(members, end - self.minutes, end, PST, panes)
        short = short_term(self.supply, slots, windows[row], panes)
        long = np.array([long_term_flicker(values) for values in short.tolist()])
        _worst(result, 0, row, long)
        known = (~np.isnan(short)).sum(axis=1)
        share = np.full(len(members), PST_OF_PLT)
        np.minimum.at(share, row, known)
        measured = result.n[:, 0] != NOT_MEASURED
        result.cov[measured, 0] = share[measured] / PST_OF_PLT
        return result


def short_term(supply: Supply, slots: Slots, windows: Integers, panes: Panes) -> Floats:
    """float64[k, 12]: the values of ten minutes of each two hours, by local number."""
    tens = (windows[:, None] * PST_OF_PLT + np.arange(PST_OF_PLT)).ravel()
    found, _ = ten_means(np.repeat(slots, PST_OF_PLT), tens, supply.registry.quantity, panes)
    return found.reshape(-1, PST_OF_PLT)


def _worst(result: Result, column: int, row: Integers, values: Floats) -> None:
    """Per row the largest value of its parts; one insufficient part makes the row so."""
    count = len(result.n)
    parts = np.bincount(row, minlength=count)
    good = np.bincount(row, weights=~np.isnan(values), minlength=count)
    worst = np.full(count, -np.inf)
    np.maximum.at(worst, row, np.nan_to_num(values, nan=-np.inf))
    whole = (parts > 0) & (good == parts)
    result.value[:, column] = np.where(whole, worst, np.nan)
    result.n[:, column] = np.where(parts > 0, parts, NOT_MEASURED)
    result.cov[:, column] = good / np.maximum(parts, 1)
