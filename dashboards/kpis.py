"""The 91 key performance indicators of U4SSC as data: code, unit, goal, and how each is fed.

`u4ssc/kpis.csv` holds one row a KPI. Its words are short forms of ours; a report that claims
conformity quotes the manual (U4SSC KPIs Verification Manual, 2022). What could not be read in
the manual itself says so in `marks`.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

U4SSC = Path(__file__).with_name("u4ssc")
STANDARD = "ITU-T Y.4903/L.1603; U4SSC KPIs Verification Manual, 2022"
COUNT = 91
MARKS = (
    "55 core, 35 advanced and one unknown are counted here, elsewhere 54 and 37 are quoted: at "
    "least one rank is wrong, and no subtotal of the core is made",
    "codes, ranks and goals that were not read in the manual are marked one by one",
)
"""What is not confirmed of the list as a whole."""

Rank = Literal["core", "advanced", "unknown"]
Feed = Literal["F", "P", "R", ""]
FEEDS: dict[str, str] = {
    "F": "sensors and a few facts", "P": "sensors in part", "R": "the register of places",
    "": "surveys, registers and statistics",
}
DIMENSIONS = {"EC": "Economy", "EN": "Environment", "SC": "Society and culture"}
SUB_DIMENSIONS = {
    "EC:ICT": "ICT", "EC:P": "Productivity", "EC:I": "Infrastructure", "EN:EN": "Environment",
    "EN:E": "Energy", "SC:EH": "Education, health and culture",
    "SC:SH": "Safety, housing and social inclusion",
}


class Kpi(NamedTuple):
    """One KPI. `measure` says what is counted, in short; `sdg` is the target of the UN."""

    number: int
    code: str
    name: str
    rank: Rank
    unit: str
    measure: str
    sdg: str
    feed: Feed
    marks: tuple[str, ...]

    @property
    def category(self) -> str:
        """The category that is scored, for example `EC:ICT:T`."""
        return self.code.rsplit(":", 1)[0]

    @property
    def sub_dimension(self) -> str:
        """The sub-dimension, for example `EC:ICT`."""
        return self.code.rsplit(":", 2)[0]

    @property
    def fact(self) -> str:
        """Id of the fact that holds a value from elsewhere, for example `u4ssc-ec-i-t-1c`."""
        return "u4ssc-" + self.code.lower().replace(":", "-")


@cache
def kpis() -> tuple[Kpi, ...]:
    """All KPIs in the order of the manual."""
    with (U4SSC / "kpis.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Kpi(
                int(row["number"]), row["code"], row["name"], _rank(row["rank"]), row["unit"],
                row["measure"], row["sdg"], _feed(row["feed"]),
                tuple(mark for mark in row["marks"].split("; ") if mark),
            )
            for row in csv.DictReader(file)
        )


def by_code() -> dict[str, Kpi]:
    """Every KPI by its code."""
    return {kpi.code: kpi for kpi in kpis()}


def _rank(text: str) -> Rank:
    ranks: dict[str, Rank] = {"core": "core", "advanced": "advanced", "unknown": "unknown"}
    return ranks[text]


def _feed(text: str) -> Feed:
    feeds: dict[str, Feed] = {"F": "F", "P": "P", "R": "R", "": ""}
    return feeds[text]
