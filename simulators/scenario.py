"""Scenario files: what befalls simville, as data. Strict TOML, one example of each kind built in.

Times are durations after the scenario's start (`after`, `for`, `ramp`), places are patterns of
`district/station` (`centre/*`, `*/road-0[1-3]`). A place that names no station, a key that is not
known and a value that cannot be are refused with one line.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edge.settings import Section, SettingsError, load
from simulators.districts import Station

FOLDER = Path(__file__).parent / "scenarios"
ENTRIES_MAX = 500
"""Tables of all kinds in one file."""
DURATION_MS_MAX = 90 * 86_400_000
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Factor = Annotated[float, Meta(ge=0.0, le=10.0)]
FaultKind = Literal[
    "dropout", "stuck", "spike", "drift", "unit", "duplicate", "reorder", "late", "fast_clock",
    "jumping_clock", "battery",
]


class Spell(Section, kw_only=True):
    """What every table has: from when, how long, and how long it takes to come and go."""

    after: str = "0s"
    lasts: str = msgspec.field(name="for", default="1h")
    ramp: str = "0s"


class Weather(Spell, kw_only=True):
    """Air: degrees added, factor of the wind, rain and snow 0..1 added."""

    temp_c: Annotated[float, Meta(ge=-30.0, le=20.0)] = 0.0
    wind: Annotated[float, Meta(ge=0.05, le=5.0)] = 1.0
    rain: Share = 0.0
    snow: Share = 0.0


class People(Spell, kw_only=True):
    """Where people are: factors of traffic and of electric demand, decibels that they make."""

    where: str = "*"
    traffic: Factor = 1.0
    demand: Factor = 1.0
    noise_db: Annotated[float, Meta(ge=0.0, le=105.0)] = 0.0


class Emission(Spell, kw_only=True):
    """A source near the ground, as what it adds in ordinary weather; calm air holds more of it."""

    where: str
    pm25: Annotated[float, Meta(ge=0.0, le=400.0)] = 0.0
    no2: Annotated[float, Meta(ge=0.0, le=250.0)] = 0.0


class Road(Spell, kw_only=True):
    """Roads that lose a share of their capacity; `divert` takes that share of their traffic."""

    where: str
    closed: Share = 1.0
    divert: str = ""


class Outage(Spell, kw_only=True):
    """Feeders without power; each publishes one interruption event when power is back."""

    where: str


class Fault(Spell, kw_only=True):
    """A sensor that does not tell the truth; see docs/simulate.md for what each kind does.

    size: of a spike, in the unit; by how much a clock is ahead or jumps, in seconds; the factor
    of a wrong unit. per_hour: drift in the unit an hour. share: of the readings that are hit.
    every: between spikes at most this often, and between jumps of a clock; delay: of reordered
    readings at most.
    """

    kind: FaultKind
    where: str
    quantity: str = ""
    size: Annotated[float, Meta(ge=-1e6, le=1e6)] | None = None
    per_hour: Annotated[float, Meta(ge=-1e5, le=1e5)] = 1.0
    share: Share | None = None
    every: str = "10m"
    delay: str = "5m"


class Scenario(Section, kw_only=True):
    """A whole file."""

    title: str
    text: str = ""
    weather: list[Weather] = msgspec.field(default_factory=list)
    people: list[People] = msgspec.field(default_factory=list)
    emission: list[Emission] = msgspec.field(default_factory=list)
    road: list[Road] = msgspec.field(default_factory=list)
    outage: list[Outage] = msgspec.field(default_factory=list)
    fault: list[Fault] = msgspec.field(default_factory=list)

    def tables(self) -> list[tuple[str, Spell]]:
        """Every table with its key, in the order of the kinds."""
        kinds = ("weather", "people", "emission", "road", "outage", "fault")
        return [
            (f"{kind}[{i}]", spell)
            for kind in kinds for i, spell in enumerate(getattr(self, kind))
        ]


NOTHING = Scenario(title="An ordinary day")


def names() -> list[str]:
    """The scenarios that are built in."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def find(name: str) -> Path:
    """The file of a built-in scenario, or a file of one's own. Raises `SettingsError`."""
    if name in names():
        return FOLDER / f"{name}.toml"
    path = Path(name)
    if not path.is_file():
        raise SettingsError(f"--scenario {name}: no such file; built in are {', '.join(names())}")
    return path


def duration_ms(text: str) -> int:
    """Milliseconds of `90s`, `5m`, `1h30m`. Raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("write a duration such as 90s, 5m or 1h30m")
    total = round(sum(float(number) * _UNITS_MS[unit] for number, unit in parts))
    if total > DURATION_MS_MAX:
        raise ValueError(f"is longer than {DURATION_MS_MAX // 86_400_000} days")
    return total


def rows_of(pattern: str, stations: list[Station], kind: str = "") -> list[int]:
    """Rows of the stations that a pattern names, of one kind if that is given."""
    return [
        row for row, station in enumerate(stations)
        if kind in ("", station.kind) and fnmatchcase(station.path, pattern)
    ]


_KIND_OF = {"emission": "air", "road": "road", "outage": "feeder"}


def read(path: Path, stations: list[Station]) -> Scenario:
    """A scenario whose every table makes sense in the city. Raises `SettingsError`."""
    scenario = load(path, Scenario)
    tables = scenario.tables()
    if len(tables) > ENTRIES_MAX:
        raise SettingsError(f"{path}: has {len(tables)} tables, at most {ENTRIES_MAX}")
    for key, spell in tables:
        for field in ("after", "lasts", "ramp", "every", "delay"):
            _check_duration(f"{path}: key {key}.{_shown(field)}", getattr(spell, field, "1s"))
        kind = _KIND_OF.get(key.split("[")[0], "")
        for field in ("where", "divert"):
            pattern = getattr(spell, field, "")
            if pattern and not rows_of(pattern, stations, kind):
                raise SettingsError(
                    f"{path}: key {key}.{field} = {pattern!r}: names no "
                    f"{kind + ' ' if kind else ''}station; write for example "
                    f"{next(row.path for row in stations if kind in ('', row.kind))}"
                )
        if isinstance(spell, Fault):
            _check_fault(f"{path}: key {key}", spell, stations)
    return scenario


def _shown(field: str) -> str:
    return "for" if field == "lasts" else field


def _check_duration(where: str, text: str) -> None:
    try:
        duration_ms(text)
    except ValueError as error:
        raise SettingsError(f"{where} = {text!r}: {error}") from None


def _check_fault(where: str, fault: Fault, stations: list[Station]) -> None:
    rows = rows_of(fault.where, stations)
    measured = sorted({q for row in rows for q in stations[row].quantities})
    if fault.quantity and fault.quantity not in measured:
        raise SettingsError(
            f"{where}.quantity = {fault.quantity!r}: {fault.where} measures {', '.join(measured)}"
        )
    if not fault.quantity and fault.kind in ("spike", "drift", "unit"):
        raise SettingsError(f"{where}.quantity: say which, a {fault.kind} is in its unit")
