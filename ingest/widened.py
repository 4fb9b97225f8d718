"""Longer rings for a reconstruction that looks back further than a running city keeps."""

import numpy as np

from engine.account import Recipe
from engine.panes import COARSE, FINE, FINE_LEVELS, HOUR, LENGTHS, PERIODS
from engine.registers import BLOCK
from engine.ten_seconds import DAYS
from engine.vitals import Vitals

SERIES_MAX = 4_000
"""Series that are built again at once: some 250 MB at most."""
YEAR_SERIES_MAX = 500
"""The same where a year of hours is kept of each: some 180 MB."""
YEAR_BLOCKS_SERIES_MAX = 200
"""The same where it is a year of quarters of an hour: some 170 MB."""
YEAR_RING_DAYS = 100
"""From so many days on a ring counts as a year's."""


def series_max(recipe: Recipe) -> int:
    """How many series may be built again for an indicator, by what is kept of each."""
    if recipe.ring_days >= YEAR_RING_DAYS:
        return YEAR_BLOCKS_SERIES_MAX
    return YEAR_SERIES_MAX if recipe.hour_days else SERIES_MAX


def widen(vitals: Vitals, days: int) -> None:
    """Room for so many days in the rings of 5 to 15 minutes."""
    if days:
        vitals.panes.fine = tuple(
            np.zeros((0, max(days * 1440 // PERIODS[level], LENGTHS[level])), FINE)
            for level in range(FINE_LEVELS)
        )


def widen_hours(vitals: Vitals, days: int) -> None:
    """Room for so many days in the ring of hours."""
    if days:
        length = max(days * 24, LENGTHS[HOUR])
        vitals.panes.coarse = (np.zeros((0, length), COARSE), vitals.panes.coarse[1])


def widen_hertz(vitals: Vitals, days: int) -> None:
    """Room for so many days of the ten seconds of frequency."""
    if days:
        vitals.hertz.keep(max(days, DAYS))


def widen_registers(vitals: Vitals, days: int) -> None:
    """Room for so many days of blocks of energy registers."""
    registers = vitals.registers
    if days and len(registers.blocks):
        shape = (len(registers.blocks), max(days * 96, registers.blocks.shape[1]))
        registers.blocks = np.zeros(shape, BLOCK)
        registers.changed = np.zeros(shape, np.uint8)
