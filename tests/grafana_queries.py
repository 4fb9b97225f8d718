"""Queries as Grafana sends them: variables, time, interval; and whether they returned rows."""

import re
from datetime import UTC, datetime
from typing import Any

from dashboards.grafana_boards import panels
from tests.grafana_city import CITY, NOW_MS, STATIONS
from tests.influxd import Influxd

Json = dict[str, Any]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800,
            21_600, 43_200, 86_400)
"""The steps to which Grafana rounds an interval."""


def seconds(text: str) -> int:
    """`5m` in seconds."""
    return int(text[:-1]) * _SECONDS[text[-1]]


def interval_s(span_s: int, panel: Json) -> int:
    """`$__interval`: the panel's least step, or what its number of points asks for."""
    least = seconds(panel.get("interval", "10s"))
    wanted = span_s / panel.get("maxDataPoints", 800)
    return max(least, next((step for step in _STEPS_S if step >= wanted), _STEPS_S[-1]))


def choices(board: Json) -> list[dict[str, str]]:
    """Values of the variables: where one station is chosen, one of each kind in turn."""
    single = {row["name"]: not row["multi"] for row in board["templating"]["list"]}
    if not single:
        return [{}]
    found = {"city": CITY, "district": "harbour" if single.get("district") else ".*"}
    if not single.get("station"):
        return [found | {"station": ".*"}]
    return [found | {"station": station} for station in STATIONS.values()]


def statement(
    query: str, values: dict[str, str], span_s: int, step_s: int, now_ms: int = NOW_MS
) -> str:
    """The query with everything filled in; fails if something is left."""
    text = re.sub(r"\$\{(\w+):regex\}", lambda found: values[found[1]], query)
    text = re.sub(r"\$(city|district|station)\b", lambda found: values[found[1]], text)
    first_ms = now_ms - span_s * 1000
    text = text.replace("$timeFilter", f"time >= {first_ms}ms and time <= {now_ms}ms")
    text = text.replace("$__interval", f"{step_s}s")
    now = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = text.replace("now()", f"'{now}'")
    assert "$" not in text.replace("$/", "").replace(")$", ""), text
    return text


def has_rows(server: Influxd, text: str) -> bool:
    """True if the query yields at least one value besides the time."""
    for series in server.query(text):
        for row in series["values"]:
            values = [v for name, v in zip(series["columns"], row, strict=True) if name != "time"]
            if any(value is not None for value in values):
                return True
    return False


def of_board(board: Json) -> list[tuple[str, list[str]]]:
    """Each query of a board: where it stands, and the statements of which one must find rows."""
    hours = int(board["time"]["from"].removeprefix("now-").removesuffix("h"))
    found = []
    for panel in panels(board):
        span_s = seconds(panel["timeFrom"]) if "timeFrom" in panel else hours * 3600
        for target in panel.get("targets", []):
            texts = [statement(target["query"], values, span_s, interval_s(span_s, panel))
                     for values in choices(board)]
            found.append((f"{board['uid']} / {panel['title']} / {target['refId']}", texts))
    for row in board["annotations"]["list"]:
        texts = [statement(row["query"], values, hours * 3600, 60) for values in choices(board)]
        found.append((f"{board['uid']} / annotation {row['name']}", texts))
    for row in board["templating"]["list"]:
        if row["type"] == "query":
            texts = [statement(row["query"], values, 60, 60) for values in choices(board)]
            found.append((f"{board['uid']} / variable {row['name']}", texts))
    return found
