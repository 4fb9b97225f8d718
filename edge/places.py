"""Where sensors stand: the places file, one dated row for each device at a station.

A CSV file, first line `# cityvitals places 1`, then a header, then rows. A later `valid_from`
of the same device replaces its earlier row from that instant on (moved, recalibrated, another
reporting period, retired); what is computed for a time uses the row of that time. Attributes of
a station (position, zone, road and feeder data) come from its latest row at that time.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.topics import is_id

FORMAT = 1
HEADING = f"# cityvitals places {FORMAT}"
PLACES_MAX = 200_000
NOTE_CHARS_MAX = 200


class PlacesError(ValueError):
    """A places file that its owner must correct; names file, line, field and value."""


class PlaceKey(NamedTuple):
    """A place that has indicators: a station, a district (station "") or the city (both "")."""

    city: str
    district: str
    station: str

    @property
    def scope(self) -> str:
        """`station`, `district` or `city`."""
        return "station" if self.station else "district" if self.district else "city"

    @property
    def path(self) -> str:
        """How commands, HTTP and topics write it: `centre/s1`, `centre/_` or `_/_`."""
        return f"{self.district or '_'}/{self.station or '_'}"


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One device at one station from `valid_from_ms` (Unix ms UTC) on.

    `period_s` is the nominal time between readings of each series of the device. `length_km`,
    `lanes` and `posted_kmh` describe a road segment, 0 where they do not apply. `status` is
    `active` or `retired`. `modulus_kwh` is where an energy register begins again at 0, 0 unknown.
    `private`: what the station measures leaves the engine only within a group of stations.

    More of a road segment, each empty or 0 where it is not known: `road_class` (one of
    `ROAD_CLASSES`), `capacity_vph` (vehicles an hour, all lanes), `g_m` (length of a vehicle and of
    the loop's field together, by which occupancy is read), `occupants` (persons a vehicle),
    `heavy_share` (0..1 of the vehicles).

    `correction`: by which of `CORRECTIONS` the device's PM2.5 becomes that of a reference monitor;
    its readings stay as they came, its hourly means are corrected. Empty for most. `note`: why
    there is this row, such as a calibration and its result; told with what is explained by it.
    """

    valid_from_ms: int
    city: str
    district: str
    station: str
    device: str
    name: str
    lat: float
    lon: float
    tz: str
    period_s: float
    length_km: float = 0.0
    lanes: int = 0
    posted_kmh: float = 0.0
    customers: int = 0
    status: str = "active"
    modulus_kwh: float = 0.0
    private: bool = False
    road_class: str = ""
    capacity_vph: float = 0.0
    g_m: float = 0.0
    occupants: float = 0.0
    heavy_share: float = 0.0
    correction: str = ""
    note: str = ""


ROAD_CLASSES = ("freeway", "freeway-rural", "urban-1", "urban-2", "urban-3", "urban-4")
"""By which table a level of service is read: freeways, and classes I to IV of urban streets."""

CORRECTIONS = ("purpleair-cf1", "purpleair-atm")
"""PurpleAir sensors, by the channel that they publish: `pm2.5_cf_1` or `pm2.5_atm`."""

COLUMNS = (
    "valid_from", "city", "district", "station", "device", "name", "lat", "lon", "tz",
    "period_s", "length_km", "lanes", "posted_kmh", "customers", "status", "modulus_kwh",
    "private", "road_class", "capacity_vph", "g_m", "occupants", "heavy_share",
    "correction", "note",
)


def _number(text: str, low: float, high: float) -> float:
    value = float(text or 0)
    if not low <= value <= high:
        raise ValueError(f"must lie between {low:g} and {high:g}")
    return value


def _instant(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("must be RFC 3339 with a zone, for example 2026-01-31T00:00:00Z")
    return round(moment.timestamp() * 1000)


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError("must be 1 to 64 of a-z, 0-9, _ and -")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Berlin") from None
    return text


def _status(text: str) -> str:
    if text not in ("", "active", "retired"):
        raise ValueError("must be active or retired")
    return text or "active"


def _road_class(text: str) -> str:
    if text and text not in ROAD_CLASSES:
        raise ValueError(f"must be empty or one of {', '.join(ROAD_CLASSES)}")
    return text


def _correction(text: str) -> str:
    if text and text not in CORRECTIONS:
        raise ValueError(f"must be empty or one of {', '.join(CORRECTIONS)}")
    return text


def _note(text: str) -> str:
    if len(text) > NOTE_CHARS_MAX or not text.isprintable():
        raise ValueError(f"must be one line of at most {NOTE_CHARS_MAX} characters")
    return text


def _yes(text: str) -> bool:
    if text not in ("", "yes", "no"):
        raise ValueError("must be yes or no")
    return text == "yes"


_READERS: dict[str, Callable[[str], Any]] = {
    "valid_from": _instant, "city": _id, "district": _id, "station": _id, "device": _id,
    "name": str, "lat": lambda x: _number(x, -90, 90), "lon": lambda x: _number(x, -180, 180),
    "tz": _zone, "period_s": lambda x: _number(x, 0.01, 86_400 * 31),
    "length_km": lambda x: _number(x, 0, 10_000), "lanes": lambda x: int(_number(x, 0, 100)),
    "posted_kmh": lambda x: _number(x, 0, 300),
    "customers": lambda x: int(_number(x, 0, 1e9)), "status": _status,
    "modulus_kwh": lambda x: _number(x, 0, 1e9), "private": _yes,
    "road_class": _road_class, "capacity_vph": lambda x: _number(x, 0, 100_000),
    "g_m": lambda x: _number(x, 0, 50), "occupants": lambda x: _number(x, 0, 100),
    "heavy_share": lambda x: _number(x, 0, 1), "correction": _correction,
    "note": _note,
}


def _row(record: dict[str, str]) -> PlaceRow:
    """Build one row; raises ValueError(column, text, rule)."""
    values = []
    for column in COLUMNS:
        text = record.get(column) or ""
        try:
            values.append(_READERS[column](text.strip()))
        except ValueError as error:
            raise ValueError(column, text, str(error)) from None
    return PlaceRow(*values)


def parse(text: str, file: str = "places.csv") -> list[PlaceRow]:
    """Read places; rows come back sorted by `valid_from_ms` (stable).

    Raises `PlacesError` naming file, line, field, value and what would be right.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != HEADING:
        found = lines[0][:60] if lines else ""
        number = found.removeprefix(HEADING.rstrip("0123456789"))
        if number.isdigit() and int(number) > FORMAT:
            raise PlacesError(f"{file}: has format {number}, this program knows up to {FORMAT}")
        raise PlacesError(f"{file}: line 1: {found!r} should be {HEADING!r}")
    reader = csv.DictReader(lines[1:])
    missing = set(COLUMNS[:10]) - set(reader.fieldnames or ())
    extra = set(reader.fieldnames or ()) - set(COLUMNS)
    if missing or extra:
        wrong = f"lacks {sorted(missing)}" if missing else f"has unknown {sorted(extra)}"
        raise PlacesError(f"{file}: line 2: the header {wrong}; columns are {','.join(COLUMNS)}")
    rows = []
    for record in reader:
        line = reader.line_num + 1
        if None in record:
            raise PlacesError(f"{file}: line {line}: more fields than the header has columns")
        try:
            rows.append(_row(record))
        except ValueError as error:
            column, value, rule = error.args
            raise PlacesError(f"{file}: line {line}: {column} = {value!r}: {rule}") from None
        if len(rows) > PLACES_MAX:
            raise PlacesError(f"{file}: line {line}: more than {PLACES_MAX} rows")
    cities = {row.city for row in rows}
    if len(cities) > 1:
        raise PlacesError(f"{file}: one instance serves one city, found {sorted(cities)}")
    return sorted(rows, key=lambda row: row.valid_from_ms)


def load(path: Path) -> list[PlaceRow]:
    """Read the places file at `path`; errors as `parse`."""
    try:
        rows = parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PlacesError(f"{path}: {error}") from None
    _check_hours(rows, str(path))
    return rows


def _check_hours(rows: list[PlaceRow], file: str) -> None:
    """A station may get another zone, but its hours must go on: they are summed up as they were."""
    first: dict[PlaceKey, PlaceRow] = {}
    past = {tz: _past_the_hour(tz) for tz in {row.tz for row in rows}}
    for row in rows:
        before = first.setdefault(PlaceKey(row.city, row.district, row.station), row)
        if past[row.tz] != past[before.tz]:
            raise PlacesError(
                f"{file}: station {row.district}/{row.station}, device {row.device}: "
                f"tz = {row.tz!r}: its hours begin {past[row.tz]} min past the full hour of UTC, "
                f"by its first zone {before.tz} {past[before.tz]} min; give the station another id"
            )


def _past_the_hour(tz: str) -> int:
    """Minutes past the full hour of UTC at which hours of standard time begin, in 2026."""
    moment = datetime(2026, 1, 1, tzinfo=ZoneInfo(tz))
    offset = (moment.utcoffset() or timedelta()) - (moment.dst() or timedelta())
    return offset // timedelta(minutes=1) % 60


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fields(row: PlaceRow) -> list[str]:
    moment = datetime.fromtimestamp(row.valid_from_ms / 1000, UTC)
    first = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    position = [f"{row.lat:.6f}", f"{row.lon:.6f}"]
    head = [first, row.city, row.district, row.station, row.device, row.name, *position, row.tz]
    tail = (row.period_s, row.length_km, row.lanes, row.posted_kmh, row.customers, row.status,
            row.modulus_kwh, "yes" if row.private else "no", row.road_class, row.capacity_vph,
            row.g_m, row.occupants, row.heavy_share, row.correction, row.note)
    return head + [_text(value) for value in tail]


def render(rows: list[PlaceRow]) -> str:
    """The text of a places file that holds `rows`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_fields(row) for row in rows)
    return f"{HEADING}\n{out.getvalue()}"
