"""What Grafana shows of an indicator: its unit, the words and colours of its levels, its limits.

All of it comes from the catalogue, so that a changed standard changes every panel. A level is
never shown by colour alone: the mapping prints its number and the standard's word.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from dashboards.texts import load
from engine.catalogue import INDICATORS
from engine.indicator import INF, Indicator, Level

Json = dict[str, Any]

GREY, BLUE = "#8E8E8E", "#4575B4"
NO_DATA = "no data"
NEVER_S = 315_360_000
"""The age that ingest writes of a station that was never heard."""
UNIX_TIME = "unix s"
_UNITS = {
    "1": "none", "": "none", "%": "percent", "µg/m³": "conμgm3", "mg/m³": "conmgm3",
    "ppb": "conppb", "ppm": "conppm", "°C": "celsius", "km/h": "velocitykmh", "km": "lengthkm",
    "s": "s", "min": "m", "h": "h", "d": "d", "W": "watt", "kW": "kwatt", "MW": "megwatt",
    "kWh": "kwatth", "V": "volt", "A": "amp", "Hz": "hertz", "kvar": "kvoltampreact",
    UNIX_TIME: "dateTimeAsIso",
}
"""Our units as Grafana's. The mu of `conμgm3` is U+03BC there, that of `µg/m³` U+00B5."""


class Group(NamedTuple):
    """Indicators of a domain that can share a panel: one unit, one cadence, one scale."""

    entries: tuple[Indicator, ...]

    @property
    def first(self) -> Indicator:
        """The one that stands for the others."""
        return self.entries[0]

    @property
    def title(self) -> str:
        """What the group is called."""
        more = len(self.entries) - 1
        return self.first.name if not more else f"{self.first.name} and {more} more"


def spoken(domain: str) -> str:
    """A domain as the page says it; one of a city's own reads as its name."""
    return load().get(f"domain.{domain}", domain.replace("_", " ").capitalize())


def of_domains(domains: Sequence[str]) -> list[Indicator]:
    """The indicators of domains, in the catalogue's order."""
    return [entry for entry in INDICATORS if entry.domain in domains]


def at_stations(entry: Indicator) -> bool:
    """True if stations have points of it; of some only the city, or an area, has any."""
    return entry.area not in ("system", "per_capita")


def groups(domain: str, *, stations: bool = False) -> list[Group]:
    """The groups of a domain, in the order of the catalogue; `stations`: what these have alone."""
    found: dict[Any, list[Indicator]] = {}
    for entry in of_domains((domain,)):
        if stations and not at_stations(entry):
            continue
        scale = entry.levels if has_levels(entry) else ()
        key = (entry.unit, entry.cadence_s, entry.better, scale)
        found.setdefault(key, []).append(entry)
    return [Group(tuple(entries)) for entries in found.values()]


def has_levels(entry: Indicator) -> bool:
    """True if its standard knows categories."""
    return len(entry.levels) > 1


def levelled(domains: Sequence[str]) -> list[Indicator]:
    """The headline indicators of domains whose standards know categories."""
    return [entry for entry in of_domains(domains) if entry.headline and has_levels(entry)]


def unit_of(entry: Indicator) -> str:
    """Its unit as Grafana names it; one that Grafana does not know is printed behind the value."""
    return _UNITS.get(entry.unit, f"suffix: {entry.unit}")


def level_mappings(levels: Sequence[Level]) -> list[Json]:
    """`2` becomes `2 Unhealthy for Sensitive Groups` in the standard's colour."""
    return [{"type": "value", "options": {
        str(i): {"text": f"{i} {level.word}", "color": level.colour, "index": i}
        for i, level in enumerate(levels)
    }}]


def level_steps(levels: Sequence[Level]) -> list[Json]:
    """Thresholds of a level; grey below 0, never green by default."""
    return [{"color": GREY, "value": None}] + [
        {"color": level.colour, "value": i} for i, level in enumerate(levels)
    ]


def value_steps(levels: Sequence[Level]) -> list[Json]:
    """Thresholds of a value: the bounds of the standard. Empty where they are not in one order."""
    uppers = [level.upper for level in levels]
    if uppers[-1] == INF and all(a < b for a, b in pairwise(uppers)):
        bounds = [None, *uppers[:-1]]
        return [{"color": row.colour, "value": at} for row, at in zip(levels, bounds, strict=True)]
    if uppers[0] == INF and all(a > b for a, b in pairwise(uppers)):
        back = list(reversed(levels))
        bounds = [None, *(level.upper for level in back[:-1])]
        return [{"color": row.colour, "value": at} for row, at in zip(back, bounds, strict=True)]
    return []


def limit_of(entry: Indicator) -> tuple[str, float] | None:
    """The limit of an indicator: `gt` and the value above which it is over, or `lt`, below."""
    if entry.over_level is None or not value_steps(entry.levels):
        return None
    if entry.levels[-1].upper == INF:
        return ("gt", entry.levels[entry.over_level - 1].upper)
    return ("lt", entry.levels[entry.over_level].upper)
