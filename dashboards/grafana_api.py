"""The only file that imports grafana-client; its exceptions become `GrafanaError`.

grafana-client 3.11.2 runs on requests: later ones replace urllib3 for the whole environment, see
docs/decisions. It is an extra: `pip install -c constraints.txt -e '.[grafana]'`.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from edge.settings import SettingsError

Json = Any
TIMEOUT_S = 20.0


class GrafanaError(Exception):
    """Grafana did not do what was asked; the text says what it answered."""


class Grafana:
    """The calls that publishing needs, each answering None where there is no such thing.

    Raises `SettingsError` for an address that cannot be, or if the extra is not installed.
    """

    def __init__(self, url: str, token: str) -> None:
        try:
            import requests
            from grafana_client import GrafanaApi, TokenAuth
            from grafana_client.client import GrafanaException
        except ImportError:
            raise SettingsError(
                "publishing needs an extra; in the project: "
                "pip install -c constraints.txt -e '.[grafana]'") from None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise SettingsError(
                f"URL = {parts.scheme}://{parts.hostname or ''}: must be http://host:port, "
                "without a user; the token has its own options")
        prefix = parts.path.strip("/")
        self._api = GrafanaApi(
            TokenAuth(token), host=parts.hostname, port=parts.port, protocol=parts.scheme,
            url_path_prefix=f"{prefix}/" if prefix else "", timeout=TIMEOUT_S,
        )
        self._refused = GrafanaException
        self._gone = requests.exceptions.RequestException
        self._url = f"{parts.scheme}://{parts.netloc}"

    def _ask(self, call: Callable[[], Json]) -> Json:
        try:
            return call()
        except self._refused as error:
            if error.status_code == 404:
                return None
            raise GrafanaError(f"{self._url} answers {error.status_code}: {error}") from None
        except (self._gone, ValueError) as error:
            raise GrafanaError(f"{self._url}: {type(error).__name__}: {error}") from None

    def folder(self, uid: str) -> Json:
        """A folder."""
        return self._ask(lambda: self._api.folder.get_folder(uid))

    def make_folder(self, uid: str, title: str) -> None:
        """A new folder."""
        self._ask(lambda: self._api.folder.create_folder(title, uid))

    def source(self, uid: str) -> Json:
        """A data source."""
        return self._ask(lambda: self._api.datasource.get_datasource_by_uid(uid))

    def put_source(self, uid: str, body: Json, *, new: bool) -> None:
        """A new data source, or a changed one."""
        if new:
            self._ask(lambda: self._api.datasource.create_datasource(body))
        else:
            self._ask(lambda: self._api.client.PUT(f"/datasources/uid/{uid}", json=body))

    def board(self, uid: str) -> Json:
        """A dashboard with its `meta`."""
        return self._ask(lambda: self._api.dashboard.get_dashboard(uid))

    def put_board(self, body: Json) -> None:
        """A new or changed dashboard."""
        self._ask(lambda: self._api.dashboard.update_dashboard(body))

    def rules(self) -> Json:
        """All alert rules of the organisation."""
        return self._ask(self._api.alertingprovisioning.get_alertrules_all) or []

    def put_rule(self, uid: str, body: Json, *, new: bool) -> None:
        """A new alert rule, or a changed one; people may edit it afterwards."""
        api = self._api.alertingprovisioning
        if new:
            self._ask(lambda: api.create_alertrule(body, disable_provenance=True))
        else:
            self._ask(lambda: api.update_alertrule(uid, body, disable_provenance=True))

    def remove_rule(self, uid: str) -> None:
        """An alert rule of ours that there is no more."""
        self._ask(lambda: self._api.client.DELETE(f"/v1/provisioning/alert-rules/{uid}"))
