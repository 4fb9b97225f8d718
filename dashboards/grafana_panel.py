"""Panels as Grafana's classic JSON: core kinds only, each with unit, no-data text and colours.

A panel has a key from which its id follows, so that it keeps its id when others come or go:
alert links and `viewPanel=` depend on it.
"""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from dashboards.grafana_scale import BLUE, GREY, NEVER_S, NO_DATA
from engine.indicator import Indicator

Json = dict[str, Any]

NEUTRAL: list[Json] = [{"color": BLUE, "value": None}]
IDS = 900_000


def panel_id(key: str) -> int:
    """The id of the panel with this key."""
    return 1 + crc32(key.encode()) % IDS


def target(query: str, ref: str = "A", *, table: bool = False, alias: str = "") -> Json:
    """One query of a panel."""
    found = {"refId": ref, "rawQuery": True, "query": query,
             "resultFormat": "table" if table else "time_series"}
    return found | ({"alias": alias} if alias else {})


def panel(
    kind: str, key: str, title: str, targets: Sequence[Json], options: Json, *,
    unit: str = "none", digits: int | None = None, steps: Sequence[Json] = NEUTRAL,
    mappings: Sequence[Json] = (), about: str = "", empty: str = NO_DATA,
    custom: Json | None = None, overrides: Sequence[Json] = (), colour: str = "thresholds",
) -> Json:
    """A panel without place; `about` is shown at its head."""
    defaults: Json = {
        "unit": unit, "noValue": empty, "color": {"mode": colour}, "mappings": list(mappings),
        "thresholds": {"mode": "absolute", "steps": list(steps)}, "custom": custom or {},
    }
    if digits is not None:
        defaults["decimals"] = digits
    return {
        "id": panel_id(key), "type": kind, "title": title, "description": about,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options, "targets": [dict(one) for one in targets],
    }


def override(name: str, **properties: Any) -> Json:
    """What is different of the field `name`; `custom__x` stands for `custom.x`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def thresholds(steps: Sequence[Json]) -> Json:
    """Threshold steps as an override has them."""
    return {"mode": "absolute", "steps": list(steps)}


def stat(key: str, title: str, targets: Sequence[Json], *, fields: str = "", **more: Any) -> Json:
    """Large numbers. `fields`: a pattern of those shown, all numbers if empty."""
    area = more.pop("graph", "none")
    solid = more.pop("solid", False)
    return panel("stat", key, title, targets, {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": fields, "values": False},
        "orientation": "auto", "textMode": more.pop("text", "auto"), "graphMode": area,
        "colorMode": "background" if solid else "value", "justifyMode": "auto",
    }, **more)


def timeseries(
    key: str, title: str, targets: Sequence[Json], *, lines: bool = False, zero: bool = True,
    fill: int = 0, **more: Any,
) -> Json:
    """Values over time; a missing step is a gap. `lines`: draw the thresholds as lines."""
    more.setdefault("colour", "palette-classic")
    custom: Json = {
        "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": fill,
        "showPoints": "auto", "pointSize": 4, "spanNulls": False, "axisPlacement": "auto",
        "thresholdsStyle": {"mode": "line" if lines else "off"},
    }
    if zero:
        custom["axisSoftMin"] = 0
    return panel("timeseries", key, title, targets, {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True,
                   "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }, custom=custom, **more)


def state_timeline(key: str, title: str, targets: Sequence[Json], **more: Any) -> Json:
    """States over time, a lane for each series; nothing where there is no data."""
    return panel("state-timeline", key, title, targets, {
        "mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.85,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }, custom={"lineWidth": 0, "fillOpacity": 85, "spanNulls": False}, **more)


def bars(key: str, title: str, targets: Sequence[Json], **more: Any) -> Json:
    """A bar for each row, one beneath the other."""
    return panel("bargauge", key, title, targets, {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": True},
        "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True,
        "valueMode": "text", "minVizWidth": 8, "minVizHeight": 16,
    }, **more)


def table(
    key: str, title: str, targets: Sequence[Json], *, names: dict[str, str] | None = None,
    hide: Sequence[str] = (), sort: str = "", **more: Any,
) -> Json:
    """Rows; `names` renames columns for people, `sort` is the column by which they fall."""
    more.setdefault("custom", cell("auto"))
    made = panel("table", key, title, targets, {
        "showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"]},
        "sortBy": [{"displayName": sort, "desc": True}] if sort else [],
    }, **more)
    made["transformations"] = [organized(names or {}, hide)]
    return made


def organized(names: dict[str, str], hide: Sequence[str] = ()) -> Json:
    """The transformation that hides and renames columns."""
    return {"id": "organize", "options": {
        "excludeByName": dict.fromkeys(hide, True), "renameByName": names, "indexByName": {},
    }}


def cell(kind: str) -> Json:
    """How a cell is drawn: for 9.4 (`displayMode`) and for what came after (`cellOptions`)."""
    return {"align": "auto", "displayMode": kind, "cellOptions": {"type": kind}}


def geomap(
    key: str, title: str, targets: Sequence[Json], *, colour_by: str, text_by: str, **more: Any
) -> Json:
    """A dot for each row with `lat` and `lon`; the server says what lies beneath."""
    return panel("geomap", key, title, targets, {
        "view": {"id": "fit", "allLayers": True, "lat": 0, "lon": 0, "zoom": 12},
        "controls": {"showZoom": True, "showAttribution": True, "mouseWheelZoom": False},
        "basemap": {"type": "default", "name": "Basemap"},
        "tooltip": {"mode": "details"},
        "layers": [{
            "type": "markers", "name": "Stations", "tooltip": True,
            "location": {"mode": "coords", "latitude": "lat", "longitude": "lon"},
            "config": {"showLegend": True, "style": {
                "size": {"fixed": 9, "min": 5, "max": 15}, "opacity": 0.9,
                "color": {"field": colour_by, "fixed": GREY},
                "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
                "text": {"field": text_by, "fixed": "", "mode": "field"},
                "textConfig": {"fontSize": 11, "textAlign": "center", "textBaseline": "middle",
                               "offsetX": 0, "offsetY": -14},
            }},
        }],
    }, **more)


def text(key: str, title: str, words: str) -> Json:
    """A panel of words, in Markdown."""
    return {
        "id": panel_id(key), "type": "text", "title": title,
        "options": {"mode": "markdown", "content": words},
    }


def alert_list(key: str, title: str, tag: str) -> Json:
    """Our alert rules that fire or are about to."""
    return {
        "id": panel_id(key), "type": "alertlist", "title": title,
        "options": {
            "viewMode": "list", "groupMode": "default", "groupBy": [], "maxItems": 20,
            "sortOrder": 1, "dashboardAlerts": False, "alertName": "",
            "alertInstanceLabelFilter": f'{{product="{tag}"}}',
            "stateFilter": {"firing": True, "pending": True, "noData": True, "normal": False,
                            "error": True},
        },
    }


ONLINE: list[Json] = [{"type": "value", "options": {
    "1": {"text": "1 reporting", "color": BLUE, "index": 0},
    "0": {"text": "0 silent", "color": GREY, "index": 1},
}}]
ONLINE_STEPS: list[Json] = [{"color": GREY, "value": None}, {"color": BLUE, "value": 1}]
NEVER: list[Json] = [{"type": "range", "options": {
    "from": NEVER_S, "to": None, "result": {"text": "never heard", "color": GREY, "index": 0},
}}]


def decimals(entry: Indicator) -> int | None:
    """Digits behind the point, as the catalogue reports them."""
    return None if entry.unit == "unix s" else entry.digits
