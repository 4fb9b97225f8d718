"""A Grafana that keeps what it is told, answering as its documented HTTP API does.

It refuses a body that lacks what the documentation requires, and adds what the server adds
(ids, versions, defaults), so that a client that compares too simply is found out.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = Any
TOKEN = "glsa_double"  # noqa: S105
RULE_KEYS = {"uid", "title", "ruleGroup", "folderUID", "orgID", "condition", "data",
             "noDataState", "execErrState", "for"}
"""Required of `ProvisionedAlertRule`; the rest of its keys follow."""
RULE_MORE = {"annotations", "labels", "isPaused"}
STATES = {"noDataState": {"Alerting", "NoData", "OK"}, "execErrState": {"Alerting", "Error", "OK"}}


class GrafanaDouble:
    """The server, on a free port; `changes` counts what was written."""

    def __init__(self) -> None:
        self.folders: dict[str, Json] = {}
        self.sources: dict[str, Json] = {}
        self.boards: dict[str, Json] = {}
        self.rules: dict[str, Json] = {}
        self.secrets: Json = {}
        self.changes: list[str] = []
        self.fail: tuple[int, Json] | None = None
        double = self

        class Answers(BaseHTTPRequestHandler):
            """One request."""

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def _do(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    status, found = 401, {"message": "Unauthorized"}
                elif double.fail is not None:
                    status, found = double.fail
                else:
                    status, found = double.answer(self.command, self.path, body)
                text = b"" if status == 204 else json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        """Status and body of an answer."""
        if method != "GET":
            self.changes.append(f"{method} {path}")
        for pattern, kind in (
            (r"/api/folders(?:/([^/]+))?", self._folder),
            (r"/api/datasources(?:/uid/([^/]+))?", self._source),
            (r"/api/dashboards/(?:db|uid/([^/]+))", self._board),
            (r"/api/v1/provisioning/alert-rules(?:/([^/]+))?", self._rule),
        ):
            found = re.fullmatch(pattern, path)
            if found:
                return kind(method, found[1], body)
        return 404, {"message": f"no such path {path}"}

    def _folder(self, method: str, uid: str | None, body: Json) -> tuple[int, Json]:
        if method == "GET":
            return self._get(self.folders, uid)
        assert set(body) <= {"uid", "title", "parentUid"}
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", body["uid"])
        self.folders[body["uid"]] = body | {"id": 7, "version": 1}
        return 200, self.folders[body["uid"]]

    def _source(self, method: str, uid: str | None, body: Json) -> tuple[int, Json]:
        if method == "GET":
            return self._get(self.sources, uid)
        assert {"name", "type", "access"} <= set(body)
        before = self.sources.get(body["uid"], {"secureJsonFields": {}})
        self.secrets |= body.get("secureJsonData", {})
        secrets = dict.fromkeys(body.pop("secureJsonData", {}), True)
        self.sources[body["uid"]] = body | {
            "id": 3, "orgId": 1, "readOnly": False,
            "secureJsonFields": before["secureJsonFields"] | secrets}
        return 200, {"datasource": self.sources[body["uid"]], "message": "Datasource added"}

    def _board(self, method: str, uid: str | None, body: Json) -> tuple[int, Json]:
        if method == "GET":
            return self._get(self.boards, uid)
        assert set(body) <= {"dashboard", "folderUid", "overwrite", "message"}
        assert body["folderUid"] in self.folders
        board = body["dashboard"]
        assert board["id"] is None
        assert board["title"]
        self.boards[board["uid"]] = {
            "dashboard": board | {"id": 9, "version": 4, "fiscalYearStartMonth": 0},
            "meta": {"folderUid": body["folderUid"], "provisioned": False}}
        return 200, {"id": 9, "uid": board["uid"], "status": "success", "version": 4}

    def _rule(self, method: str, uid: str | None, body: Json) -> tuple[int, Json]:
        if method == "GET":
            return 200, list(self.rules.values())
        if method == "DELETE":
            del self.rules[str(uid)]
            return 204, None
        keys = set(body)
        if not keys >= RULE_KEYS or keys - RULE_KEYS - RULE_MORE:
            return 400, {"message": f"invalid alert rule: {keys ^ RULE_KEYS}"}
        if any(body[name] not in known for name, known in STATES.items()):
            return 400, {"message": "unknown state"}
        if body["folderUID"] not in self.folders or body["condition"] not in {
            part["refId"] for part in body["data"]
        }:
            return 400, {"message": "invalid alert rule"}
        for part in body["data"]:
            assert set(part) == {"refId", "datasourceUid", "relativeTimeRange", "model"}
        self.rules[body["uid"]] = body | {"id": 5, "updated": "2026-01-01T00:00:00Z"}
        return (201 if method == "POST" else 200), self.rules[body["uid"]]

    @staticmethod
    def _get(kept: dict[str, Json], uid: str | None) -> tuple[int, Json]:
        if uid in kept:
            return 200, kept[uid]
        return 404, {"message": "not found"}
