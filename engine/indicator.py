"""What an indicator is: one row of the catalogue, and one category of its standard."""

from dataclasses import dataclass
from typing import Literal

Area = Literal[
    "worst", "vmt_weighted", "sum", "mean", "coincident", "energy_weighted", "vht_weighted",
    "customer_weighted", "interruption_weighted", "system",
    "station_mean", "per_capita", "length_weighted",
]


@dataclass(frozen=True, slots=True)
class Level:
    """One category: its word, its colour, and the highest value that still belongs to it."""

    word: str
    colour: str
    upper: float


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row of the catalogue.

    `cadence_s` is the distance between window ends, `window_s` the length of what one point
    looks back on. `over_level` is the first level that counts as over the limit in areas (None:
    no limit). `better` says which direction is good. `open_marks` lists what the specification
    marks as unconfirmed.
    """

    domain: str
    id: str
    name: str
    unit: str
    digits: int
    standard: str
    clause: str
    rule: str
    cadence_s: int
    window_s: int
    levels: tuple[Level, ...]
    over_level: int | None
    area: Area
    better: Literal["low", "high", "none"]
    colour_source: str = ""
    headline: bool = False
    open_marks: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`domain.id`, for example `air.us_aqi`."""
        return f"{self.domain}.{self.id}"

INF = float("inf")
PLAIN = (Level("Measured", "#4575B4", INF),)
"""For indicators whose standard defines no categories."""
OURS = "colours are this project's; the standard names none"
