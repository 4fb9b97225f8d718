"""Noise: levels exceeded 10, 50 and 90 % of the time in hours and days, from histograms."""

import numpy as np
import numpy.typing as npt

from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.completeness import expected_readings
from engine.family import (
    NOT_MEASURED,
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Result,
    Shared,
    Slots,
    blank,
)
from engine.panes import HOUR, Panes
from engine.sound import Microphones, shown
from engine.sound_levels import LEVELS, exceeded
from engine.spectra import Spectra

HOUR_MIN = 60
CHUNK = 256
"""Stations whose histograms are merged at once."""


class PercentileHours(Shared[Microphones], Cadence):
    """L10, L50 and L90 of each hour."""

    indicators = tuple(POSITION[f"noise.{name}_1h"] for name in ("l10", "l50", "l90"))

    def __init__(self, source: Microphones, spectra: Spectra) -> None:
        super().__init__(source)
        self.spectra = spectra

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour."""
        end = self.end_min(members, windows)
        return percentiles(
            self.source, self.spectra, members, end - HOUR_MIN, end, now_min, len(self.indicators)
        )


class PercentileDays(Shared[Microphones], CivilDays):
    """L10, L50, L90 and the traffic noise index of each civil day: its hours, merged."""

    indicators = tuple(POSITION[f"noise.{name}_day"] for name in ("l10", "l50", "l90", "tni"))

    def __init__(self, source: Microphones, spectra: Spectra) -> None:
        super().__init__(source)
        self.spectra = spectra

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day that the hour begins in."""
        members, hours = of_level(changed, HOUR, member_of)
        minute = hours * HOUR_MIN - self.members.shift[members]
        return members, self.members.civil_days(members, minute)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and day."""
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        return percentiles(
            self.source, self.spectra, members, start, end, now_min, len(self.indicators)
        )


def percentiles(
    source: Microphones, spectra: Spectra, members: Integers, start_min: Integers,
    end_min: Integers, now_min: int, columns: int,
) -> Result:
    """Levels of the samples of all devices of stations, with three quarters of those they owe.

    start_min, end_min: Unix minutes; the hours of the grid that begin in between are taken.
    """
    result = blank(len(members), columns)
    for at in range(0, len(members), CHUNK):
        some = slice(at, at + CHUNK)
        counts, owed, kept = merged(
            source, spectra, members[some], start_min[some], end_min[some], now_min
        )
        n = counts.sum(axis=1)
        for k, row in enumerate(counts):
            out = np.empty(4)
            exceeded(row, out)
            enough = owed[k] > 0 and 4 * n[k] >= 3 * owed[k]
            result.value[at + k] = shown(out[:columns]) if enough else np.nan
        result.n[some] = np.where(kept, n, NOT_MEASURED)[:, None]
        result.cov[some] = np.minimum(n / np.maximum(owed, 1e-9), 1.0)[:, None]
    return result


def merged(
    source: Microphones, spectra: Spectra, members: Integers, start_min: Integers,
    end_min: Integers, now_min: int,
) -> tuple[Integers, Floats, npt.NDArray[np.bool_]]:
    """Histograms int64[k, 901], readings owed, and whether any series has a histogram."""
    registry, table = source.members.registry, source.members.table[members]
    shift = source.members.shift[members]
    first = -(-(start_min + shift) // HOUR_MIN)
    count = -(-(end_min + shift) // HOUR_MIN) - first
    counts = np.zeros((len(members), LEVELS), np.int64)
    owed, kept = np.zeros(len(members)), np.zeros(len(members), np.bool_)
    until = np.minimum(end_min, now_min)
    for column in range(table.shape[1]):
        rows = np.nonzero(table[:, column] >= 0)[0]
        slots = table[rows, column]
        has = spectra.row[slots] >= 0
        rows, slots = rows[has], slots[has]
        counts[rows] += spectra.merged(slots, first[rows], count[rows])
        owed[rows] += [
            expected_readings(
                start_min[k] * 60, until[k] * 60, registry.since_s[slot], registry.period_s[slot]
            ) for k, slot in zip(rows.tolist(), slots.tolist(), strict=True)
        ]
        kept[rows] = True
    return counts, owed, kept
