"""A window of a small town, ready to be explained."""

import numpy as np

from engine.account import Account, Look
from engine.catalogue import INDICATORS, POSITION
from engine.points import Points
from engine.recipes import RECIPES
from tests.town import Town


def look_at(town: Town, key: str, end_s: int) -> Look:
    """The window of the first station with the indicator that ends at `end_s`."""
    position = POSITION[key]
    vitals = town.vitals
    windows = next(w for w in vitals.windows if position in w.family.indicators)
    row = np.array([0], np.int64)
    window = int(windows.family.ordinal(row, np.array([end_s // 60 - 1]))[0])
    return Look(vitals, windows.family, INDICATORS[position], 0, window, end_s // 60)


def account_of(town: Town, key: str, end_s: int) -> Account:
    """The steps of that window."""
    return RECIPES[key].steps(look_at(town, key, end_s))


def value_of(points: Points, key: str, end_s: int) -> float:
    """What the engine said of it."""
    rows = (points.indicator == POSITION[key]) & (points.end_s == end_s)
    return float(points.value[rows][0])
