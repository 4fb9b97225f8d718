"""What a dashboard of ours must be: each rule is a function that tells what breaks it, and where.

What of a query is portable is told by `grafana_lint_query`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from dashboards.grafana_board import PREFIX, SCHEMA_VERSION
from dashboards.grafana_boards import panels
from dashboards.grafana_lint_query import query_faults
from dashboards.grafana_scale import has_levels, level_mappings, level_steps, value_steps
from engine.catalogue import INDICATORS
from engine.indicator import Indicator

Json = dict[str, Any]

CORE = {"stat", "timeseries", "state-timeline", "table", "geomap", "bargauge", "text",
        "alertlist", "row"}
TRANSFORMATIONS = {"organize", "merge"}
COLUMNS = 24


def lint(boards: Sequence[Json]) -> list[str]:
    """Everything that is wrong, a line each; empty if nothing is."""
    uids = {board["uid"]: board for board in boards}
    found = []
    if len(uids) < len(boards):
        found.append("two boards have the same uid")
    for board in boards:
        rules = (_frame, _ids, _overlaps, _kinds, _fields, _queries, _colours)
        faults = [fault for rule in rules for fault in rule(board)]
        faults += _links(board, uids)
        found += [f"{board['uid']}: {fault}" for fault in faults]
    return found


def _frame(board: Json) -> Iterator[str]:
    if not board["uid"].startswith(PREFIX):
        yield f"uid does not begin with {PREFIX}"
    if board["schemaVersion"] != SCHEMA_VERSION:
        yield f"schemaVersion is not {SCHEMA_VERSION}"


def _every(board: Json) -> Iterator[Json]:
    yield from board["panels"]
    for panel in board["panels"]:
        yield from panel.get("panels", [])


def _ids(board: Json) -> Iterator[str]:
    for number, count in Counter(panel.get("id") for panel in _every(board)).items():
        if number is None or count > 1:
            yield f"panel id {number} stands {count} times"


def _overlaps(board: Json) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in _every(board):
        at = panel["gridPos"]
        if at["x"] < 0 or at["x"] + at["w"] > COLUMNS:
            yield f"{panel['title']}: wider than {COLUMNS} columns"
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                if (x, y) in taken:
                    yield f"{panel['title']}: lies over {taken[x, y]}"
                    return
                taken[x, y] = panel["title"]


def _kinds(board: Json) -> Iterator[str]:
    for panel in _every(board):
        if panel["type"] not in CORE:
            yield f"{panel['title']}: {panel['type']} is no core panel"
        for step in panel.get("transformations", []):
            if step["id"] not in TRANSFORMATIONS:
                yield f"{panel['title']}: transformation {step['id']}"
        for one in panel.get("targets", []):
            if one["datasource"]["type"] != "influxdb":
                yield f"{panel['title']}: data source {one['datasource']['type']}"


def _fields(board: Json) -> Iterator[str]:
    for panel in panels(board):
        if "targets" not in panel:
            continue
        defaults = panel["fieldConfig"]["defaults"]
        if not defaults.get("unit"):
            yield f"{panel['title']}: no unit"
        if not defaults.get("noValue"):
            yield f"{panel['title']}: no text for no data"


def _queries(board: Json) -> Iterator[str]:
    for panel in panels(board):
        for one in panel.get("targets", []):
            for fault in query_faults(one["query"]):
                yield f"{panel['title']}: {fault}"
    for row in (*board["annotations"]["list"], *board["templating"]["list"]):
        if row.get("type") != "datasource":
            for fault in query_faults(row["query"]):
                yield f"{row['name']}: {fault}"
    if not board["templating"]["list"]:
        text = " ".join(one["query"] for panel in panels(board)
                        for one in panel.get("targets", []))
        for name in re.findall(r"\$\{?(?!timeFilter|__)(\w+)", text):
            yield f"${name} is no variable here"


def _named(panel: Json) -> list[Indicator]:
    """The indicators that a panel's queries name."""
    text = " ".join(one["query"] for one in panel.get("targets", []))
    keys = set(re.findall(r"\"domain\"='(\w+)' AND \"ind\"='(\w+)'", text))
    for domain, several in re.findall(r"\"domain\"='(\w+)' AND \"ind\" =~ /\^\(([^)]*)\)", text):
        keys |= {(domain, ind) for ind in several.split("|")}
    return [entry for entry in INDICATORS if (entry.domain, entry.id) in keys]


def _colours(board: Json) -> Iterator[str]:
    """Thresholds with a number are those of the catalogue's standard, or of being online."""
    for panel in panels(board):
        entries = [entry for entry in _named(panel) if has_levels(entry)]
        right = [steps for entry in entries
                 for steps in (value_steps(entry.levels), level_steps(entry.levels))]
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        found = [config["defaults"].get("thresholds")]
        words = [("", config["defaults"].get("mappings", []))]
        for one in config["overrides"]:
            properties = {row["id"]: row["value"] for row in one["properties"]}
            found.append(properties.get("thresholds"))
            words.append((one["matcher"]["options"], properties.get("mappings", [])))
        text = " ".join(one["query"] for one in panel.get("targets", []))
        for steps in (row["steps"] for row in found if row):
            states = [step["value"] for step in steps] == [None, 1] and '"online"' in text
            if len(steps) > 1 and steps not in right and not states:
                yield f"{panel['title']}: thresholds are not the catalogue's"
        for name, mappings in words:
            right_words = [level_mappings(entry.levels) for entry in entries]
            if name == "level" and mappings not in right_words:
                yield f"{panel['title']}: words of levels are not the catalogue's"


def _links(board: Json, uids: dict[str, Json]) -> list[str]:
    found = []
    here = {row["name"] for row in board["templating"]["list"]}
    for panel in panels(board):
        config = panel.get("fieldConfig", {"overrides": []})
        text = " ".join(one["query"] for one in panel.get("targets", []))
        links = [link for one in config["overrides"] for row in one["properties"]
                 if row["id"] == "links" for link in row["value"]]
        for url in (link["url"] for link in links):
            for field in re.findall(r"__data\.fields\.(\w+)", url):
                if f'"{field}"' not in text:
                    found.append(f"{panel['title']}: link names {field}, which is no column")
            if url.startswith("/d/"):
                found += [f"{panel['title']}: {fault}" for fault in _way(url, here, uids)]
    return found


def _way(url: str, here: set[str], uids: dict[str, Json]) -> Iterator[str]:
    uid = url.removeprefix("/d/").split("?")[0]
    if uid not in uids:
        yield f"link to {uid}, which is no board"
        return
    there = {row["name"] for row in uids[uid]["templating"]["list"]}
    if "${__url_time_range}" not in url:
        yield f"link to {uid} loses the time"
    if "city" in here and "${city:queryparam}" not in url:
        yield f"link to {uid} loses the city"
    named = re.findall(r"var-(\w+)=", url) + re.findall(r"\$\{(\w+):queryparam\}", url)
    for name in named:
        if name not in there:
            yield f"link to {uid} sets {name}, which it has not"
