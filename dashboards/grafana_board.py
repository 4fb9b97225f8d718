"""A dashboard: rows of panels, variables, events and links, as Grafana's classic JSON.

Panels flow from left to right over 24 columns. What a board is made for (the page's address, the
city's zone, the data source) is a `Site`; nothing else differs between two cities.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboards import PAGE_URL
from dashboards import grafana_influxql as ql
from dashboards.grafana_panel import panel_id
from dashboards.grafana_scale import BLUE
from edge.settings import SettingsError

Json = dict[str, Any]

PREFIX = "cv-"
"""Every uid of ours begins so; publishing touches nothing else."""
TAG = "cityvitals"
SCHEMA_VERSION = 39
COLUMNS = 24
SOURCE_UID = "cv-influx"


@dataclass(frozen=True, slots=True)
class Site:
    """What differs between two cities.

    page_url: where the built-in page is reached by those who look at Grafana. tz: the city's IANA
    zone, or `browser`.
    """

    page_url: str = PAGE_URL
    tz: str = "browser"

    def __post_init__(self) -> None:
        """Raise `SettingsError` for what cannot be."""
        parts = urlsplit(self.page_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise SettingsError(
                f"--page-url = {self.page_url!r}: must be http://host:port or https://host/path"
            )
        if parts.username or parts.password:
            raise SettingsError("--page-url holds a user or password; leave them out")
        try:
            if self.tz not in ("browser", "utc"):
                ZoneInfo(self.tz)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(
                f"--tz = {self.tz!r}: must be an IANA time zone such as Europe/Berlin"
            ) from None

    def explain(self, district: str, station: str, indicator: str) -> str:
        """Address of the page's explanation of the newest value."""
        return f"{self.page_url.rstrip('/')}/#/explain/{district}/{station}/{indicator}"


FIELD_DISTRICT, FIELD_STATION = "${__data.fields.district}", "${__data.fields.station}"


def to_explanation(
    site: Site, indicator: str = "${__data.fields.domain}.${__data.fields.ind}",
    district: str = FIELD_DISTRICT, station: str = FIELD_STATION,
) -> Json:
    """A link to how a number came about, on the built-in page."""
    return {"title": "How this number came about", "targetBlank": True,
            "url": site.explain(district, station, indicator)}


class Board:
    """A dashboard that is being put together."""

    def __init__(
        self, site: Site, name: str, title: str, about: str, *, hours: int = 6,
        refresh: str = "10s", variables: bool = True,
    ) -> None:
        self.site = site
        self.uid = PREFIX + name
        self._title = title
        self._about = about
        self._hours = hours
        self._refresh = refresh
        self._has_variables = variables
        self._variables: list[Json] = []
        self._panels: list[Json] = []
        self._row: Json | None = None
        self._x = self._y = self._height = 0
        if variables:
            self._variables = [_data_source(), _query(
                "city", "City", ql.tag_values("city", "station_state"))]

    @property
    def source(self) -> Json:
        """The data source of its panels."""
        return {"type": "influxdb", "uid": "${ds}" if self._has_variables else SOURCE_UID}

    def to_district(self, where: str = FIELD_DISTRICT) -> Json:
        """A link to a district's board, with time and city kept."""
        return self._link(f"District {where}", "cv-district", f"var-district={where}")

    def to_station(self, district: str = FIELD_DISTRICT) -> Json:
        """A link from a row to its station's board, with time and city kept."""
        more = f"var-district={district}&var-station={FIELD_STATION}"
        return self._link(f"Station {FIELD_STATION}", "cv-station", more)

    def _link(self, title: str, uid: str, more: str) -> Json:
        kept = "${ds:queryparam}&${city:queryparam}&" if self._has_variables else ""
        url = f"/d/{uid}?${{__url_time_range}}&{kept}{more}"
        return {"title": title, "url": url, "targetBlank": False}

    def districts(self, *, one: bool = False) -> None:
        """Add the variable `district`: all of them, or one."""
        query = ql.tag_values("district", "station_state", ql.CITY)
        self._variables.append(_query("district", "District", query, several=not one))

    def stations(self, *, one: bool = False, where: str = "") -> None:
        """Add the variable `station`, those of the district, that `where` holds for."""
        near = ql.DISTRICT if one else ql.DISTRICTS
        source = "indicator" if where else "station_state"
        query = ql.tag_values("station", source, near, *filter(None, (where,)))
        self._variables.append(_query("station", "Station", query, several=not one))

    def row(self, title: str, *, folded: bool = False) -> None:
        """Begin a row, folded if it is asked for only now and then."""
        self._break()
        row = {"id": panel_id(f"{self.uid} row {title}"), "type": "row", "title": title,
               "collapsed": folded, "panels": [],
               "gridPos": {"x": 0, "y": self._y, "w": COLUMNS, "h": 1}}
        self._panels.append(row)
        self._row = row if folded else None
        self._y += 1

    def add(self, panel: Json, width: int, height: int) -> None:
        """Put a panel to the right of the last one, or below."""
        if self._x + width > COLUMNS:
            self._break()
        placed = panel | {"gridPos": {"x": self._x, "y": self._y, "w": width, "h": height}}
        if "targets" in placed:
            placed["datasource"] = self.source
            placed["targets"] = [one | {"datasource": self.source} for one in placed["targets"]]
        (self._panels if self._row is None else self._row["panels"]).append(placed)
        self._x += width
        self._height = max(self._height, height)

    def _break(self) -> None:
        self._y += self._height
        self._x = self._height = 0

    def json(self) -> Json:
        """The dashboard."""
        return {
            "uid": self.uid, "title": self._title, "description": self._about,
            "tags": [TAG], "schemaVersion": SCHEMA_VERSION, "version": 1, "editable": False,
            "graphTooltip": 1, "timezone": self.site.tz, "refresh": self._refresh,
            "time": {"from": f"now-{self._hours}h", "to": "now"},
            "timepicker": {"refresh_intervals": ["10s", "30s", "1m", "5m", "15m"]},
            "templating": {"list": self._variables},
            "annotations": {"list": self._annotations()},
            "links": self._links(), "panels": self._panels,
        }

    def _annotations(self) -> list[Json]:
        where = ql.CITY if self._has_variables else ""
        return [_events(self.source, "Events", BLUE, where, "\"kind\" != 'restated'", True),
                _events(self.source, "Restatements", "#B877D9", where, "\"kind\"='restated'",
                        False)]

    def _links(self) -> list[Json]:
        page = {"type": "link", "title": "Live page", "url": self.site.page_url,
                "targetBlank": True, "icon": "external link", "tags": [], "asDropdown": False,
                "includeVars": False, "keepTime": False,
                "tooltip": "What can be trusted, and how each number came about"}
        if not self._has_variables:
            return [page]
        boards = {"type": "dashboards", "title": "Boards", "tags": [TAG], "asDropdown": True,
                  "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "bolt",
                  "url": "", "tooltip": ""}
        return [boards, page]


def _events(
    source: Json, name: str, colour: str, where: str, kind: str, shown: bool
) -> Json:
    query = ql.select('"title","text","kind"', "event", where, kind)
    columns = {"textColumn": "text", "titleColumn": "title", "tagsColumn": "kind",
               "timeEndColumn": ""}
    return {
        "name": name, "datasource": source, "enable": shown, "hide": False, "iconColor": colour,
        "query": query, **columns,
        "target": {"refId": "Anno", "query": query, "fromAnnotations": True, "textEditor": True,
                   **columns},
    }


def _data_source() -> Json:
    return {
        "name": "ds", "type": "datasource", "label": "Data source", "query": "influxdb",
        "regex": "", "hide": 0, "includeAll": False, "multi": False, "refresh": 1, "options": [],
        "current": {"selected": True, "text": "City indicators", "value": SOURCE_UID},
    }


def _query(name: str, label: str, query: str, *, several: bool = False) -> Json:
    found = {
        "name": name, "label": label, "type": "query", "query": query, "definition": query,
        "datasource": {"type": "influxdb", "uid": "${ds}"}, "regex": "", "sort": 1,
        "refresh": 1, "hide": 0, "skipUrlSync": False, "multi": several, "includeAll": several,
        "options": [], "current": {"text": "", "value": ""},
    }
    if several:
        found |= {"allValue": ".*",
                  "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return found
