"""A town for the tests of KPIs: its points are given as rows, its facts as text."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboards.kpi_city import City, Period
from edge import facts
from edge.places import PlaceRow
from ingest.store import Sample

TZ = "Europe/Berlin"
Rows = Mapping[tuple[str, str], Iterable[tuple[str, float]]]
"""(path, indicator) -> (local end as ISO text, value)."""


class Points:
    """Closed points by path and indicator, each with coverage 1."""

    def __init__(self, rows: Rows) -> None:
        self._rows = {
            key: [(_ms(end), value) for end, value in values] for key, values in rows.items()
        }

    def history(
        self, path: str, indicator_key: str, from_ms: int, to_ms: int, limit: int
    ) -> list[Sample]:
        """As `Store.history`."""
        found = [row for row in self._rows.get((path, indicator_key), ())
                 if from_ms <= row[0] <= to_ms]
        assert len(found) <= limit
        return [
            Sample(end, value, 0 if value >= 0 else -1, 1.0, 1, 1, 1, value, value, 0, 1)
            for end, value in found
        ]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(TZ)).timestamp() * 1000)


def station(path: str, *, length_km: float = 0.0, customers: int = 0) -> PlaceRow:
    """A station that has always stood."""
    district, name = path.split("/")
    return PlaceRow(0, "town", district, name, f"d-{name}", name, 52.0, 13.0, TZ, 60.0,
                    length_km=length_km, customers=customers)


def town(
    rows: Rows, known: str = "", stations: Iterable[PlaceRow] = (),
    first: str = "2026-01-01", last: str = "2026-12-31",
) -> City:
    """A city over a period; `known`: facts as `path,fact,value` lines."""
    lines = [f"2020-01-01,{line},1,Office" for line in known.split()]
    header = f"{facts.HEADING}\n{','.join(facts.COLUMNS)}\n"
    return City(
        Period(date.fromisoformat(first), date.fromisoformat(last), TZ), Points(rows),
        facts.parse(header + "\n".join(lines) + "\n"), list(stations),
    )


def days(first: str, count: int, value: float) -> list[tuple[str, float]]:
    """Points that end at midnight after each of `count` days."""
    start = date.fromisoformat(first)
    return [((start + timedelta(days=k + 1)).isoformat(), value) for k in range(count)]
