"""Publish dashboards and alert rules to a running Grafana; a second time changes nothing.

What is not ours is never touched: everything of ours has a uid that begins with `cv-`, dashboards
the tag `cityvitals`, rules the label `product`. Something else under such a uid is refused.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from dashboards.grafana_alerts import FOLDER_TITLE, FOLDER_UID, for_api
from dashboards.grafana_api import GrafanaError
from dashboards.grafana_board import PREFIX, SOURCE_UID, TAG, Site
from dashboards.grafana_boards import boards

Json = Any
_SET_BY_GRAFANA = ("id", "version")


class Server(Protocol):
    """What is asked of a Grafana; see `dashboards.grafana_api`."""

    def folder(self, uid: str) -> Json:
        """A folder."""

    def make_folder(self, uid: str, title: str) -> None:
        """A new folder."""

    def source(self, uid: str) -> Json:
        """A data source."""

    def put_source(self, uid: str, body: Json, *, new: bool) -> None:
        """A new data source, or a changed one."""

    def board(self, uid: str) -> Json:
        """A dashboard with its `meta`."""

    def put_board(self, body: Json) -> None:
        """A new or changed dashboard."""

    def rules(self) -> Json:
        """All alert rules."""

    def put_rule(self, uid: str, body: Json, *, new: bool) -> None:
        """A new alert rule, or a changed one."""

    def remove_rule(self, uid: str) -> None:
        """An alert rule less."""


def publish(server: Server, site: Site, source: Json) -> Iterator[str]:
    """Bring Grafana up to date, telling what changed, a line each. Raises `GrafanaError`."""
    if server.folder(FOLDER_UID) is None:
        server.make_folder(FOLDER_UID, FOLDER_TITLE)
        yield f"folder {FOLDER_TITLE}: made"
    yield from _source(server, source)
    for board in boards(site):
        yield from _board(server, board)
    yield from _rules(server, site)


def holds(there: Json, wanted: Json) -> bool:
    """True if everything wanted is there; what Grafana adds does not matter."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(
            holds(there.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, list) and len(there) == len(wanted) and all(
            holds(a, b) for a, b in zip(there, wanted, strict=True))
    return bool(there == wanted)


def _source(server: Server, source: Json) -> Iterator[str]:
    there = server.source(SOURCE_UID)
    if there is not None and there.get("type") != "influxdb":
        raise GrafanaError(f"data source {SOURCE_UID} is no InfluxDB: it is not ours, rename it")
    # Grafana never tells a secret, so one that is given is sent each time: it may be a new one.
    body = {key: value for key, value in source.items() if key != "editable"}
    plain = {key: value for key, value in body.items() if key != "secureJsonData"}
    same = there is not None and holds(there, plain)
    if same and body == plain:
        return
    server.put_source(SOURCE_UID, body, new=there is None)
    word = "secret sent" if same else "made" if there is None else "changed"
    yield f"data source {source['name']}: {word}"


def _board(server: Server, board: Json) -> Iterator[str]:
    there = server.board(board["uid"])
    if there is not None and TAG not in there["dashboard"].get("tags", []):
        raise GrafanaError(
            f"dashboard {board['uid']} has not the tag {TAG}: it is not ours, change its uid")
    wanted = {key: value for key, value in board.items() if key not in _SET_BY_GRAFANA}
    if there is not None and holds(there["dashboard"], wanted) and (
        there.get("meta", {}).get("folderUid") == FOLDER_UID
    ):
        return
    server.put_board({
        "dashboard": wanted | {"id": None}, "folderUid": FOLDER_UID, "overwrite": True,
        "message": "cityvitals dashboards publish",
    })
    yield f"dashboard {board['title']}: {'made' if there is None else 'changed'}"


def _rules(server: Server, site: Site) -> Iterator[str]:
    known = {rule["uid"]: rule for rule in server.rules()}
    wanted = {rule["uid"]: rule for rule in for_api(site)}
    for uid, rule in wanted.items():
        there = known.get(uid)
        if there is not None and not _ours(there):
            raise GrafanaError(f"alert rule {uid} has not the label product={TAG}: it is not ours")
        body = {key: value for key, value in rule.items() if key != "orgID"}
        if there is not None and holds(there, body):
            continue
        server.put_rule(uid, rule, new=there is None)
        yield f"alert rule {rule['title']}: {'made' if there is None else 'changed'}"
    for uid, there in known.items():
        if uid.startswith(PREFIX) and _ours(there) and uid not in wanted:
            server.remove_rule(uid)
            yield f"alert rule {there['title']}: removed"


def _ours(rule: Json) -> bool:
    return bool((rule.get("labels") or {}).get("product") == TAG)
