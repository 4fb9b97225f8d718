"""What the file of a city's own indicator says: a function of the hourly means of a station.

Everything else follows from that: windows, coverage, areas, restated hours, explanation, worked
cases, page and dashboards. `docs/own_indicator.md` shows one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from engine.indicator import Indicator

Floats = npt.NDArray[np.float64]
Kernel = Callable[[Floats, Floats], None]
"""Takes means: float64[k, inputs], never NaN, and fills out: float64[k], NaN where the standard
knows no value."""

HOUR_S = 3600
INPUTS_MAX = 8
_ID = re.compile(r"[a-z0-9_]{1,64}")
_AREAS = ("worst", "mean", "sum")
_KINDS = ("mean", "rms")


@dataclass(frozen=True, slots=True)
class Hourly:
    """An indicator of a station and hour, from the hourly means of its quantities.

    formula: what the kernel does, in words and numbers that a reader can follow, for `explain`.
    url: where the standard can be read, empty if nowhere. Raises ValueError, naming key and way
    out, for what the engine cannot compute.
    """

    entry: Indicator
    inputs: tuple[str, ...]
    kernel: Kernel
    formula: str
    url: str = ""

    def __post_init__(self) -> None:
        for wrong in self._wrong():
            raise ValueError(f"{self.entry.key}: {wrong}")

    def _wrong(self) -> list[str]:
        entry = self.entry
        found = [
            f"{name} = {value!r}: small letters, digits and _, at most 64"
            for name, value in (("domain", entry.domain), ("id", entry.id))
            if not _ID.fullmatch(value)
        ]
        for name in self.inputs:
            if name not in QUANTITIES:
                found.append(f"inputs: {name!r} is no quantity of edge/quantities.py")
            elif QUANTITIES[name].kind not in _KINDS:
                kind = QUANTITIES[name].kind
                found.append(f"inputs: {name} is a {kind}, which has no plain hourly mean")
        if not 1 <= len(self.inputs) <= INPUTS_MAX or len(set(self.inputs)) < len(self.inputs):
            found.append(f"inputs: 1 to {INPUTS_MAX} different quantities, not {self.inputs!r}")
        if (entry.cadence_s, entry.window_s) != (HOUR_S, HOUR_S):
            found.append(f"cadence_s and window_s: both must be {HOUR_S}")
        if entry.area not in _AREAS:
            found.append(f"area = {entry.area!r}: one of {', '.join(_AREAS)}")
        uppers = [level.upper for level in entry.levels]
        if uppers != sorted(set(uppers)) or uppers[-1:] != [float("inf")]:
            found.append("levels: upper limits must ascend, the last one INF; the best level first")
        if entry.over_level is not None and not 0 < entry.over_level < len(uppers):
            found.append(f"over_level = {entry.over_level}: None, or 1 to {len(uppers) - 1}")
        if entry.better == "high" and len(uppers) > 1:
            found.append("better = 'high': only an indicator without levels may say so")
        if entry.area == "worst" and entry.better == "high":
            found.append("area = 'worst' is the largest value: better = 'high' asks for 'mean'")
        return found
