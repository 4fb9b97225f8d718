"""Files that Grafana reads at its start: data source, dashboards, alert rules.

JSON is YAML, too, so what is generated is written as JSON into files whose names end as Grafana
wants them. Secrets stay names of environment variables, which Grafana fills in itself.
"""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dashboards.grafana_alerts import FOLDER_TITLE, FOLDER_UID, for_file
from dashboards.grafana_board import SOURCE_UID, Site
from dashboards.grafana_boards import boards
from edge.settings import SettingsError

Json = dict[str, Any]

SOURCE_NAME = "City indicators"
VERSIONS = (1, 2, 3)
DASHBOARDS_PATH = "/etc/grafana/provisioning/cityvitals"
"""Where the exported dashboards lie for Grafana; the provider names it."""


def source(version: int, url: str, bucket: str, user: str = "grafana") -> Json:
    """The data source of an InfluxDB 1.x, 2.x or 3.x, with the names of its secrets.

    Raises `SettingsError` for an address that cannot be.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise SettingsError(f"--influx-url = {url!r}: must be http://host:port, without a user")
    if version not in VERSIONS:
        raise SettingsError(f"--influx-version = {version}: must be 1, 2 or 3")
    data: Json = {"dbName": bucket, "httpMode": "POST", "version": "InfluxQL",
                  "timeInterval": "60s", "maxSeries": 5000}
    found: Json = {
        "name": SOURCE_NAME, "uid": SOURCE_UID, "type": "influxdb", "access": "proxy",
        "url": url, "isDefault": False, "editable": False, "jsonData": data,
    }
    if version == 1:
        return found | {"user": user, "secureJsonData": {"password": "$INFLUX_PASSWORD"}}
    word = "Token" if version == 2 else "Bearer"
    data["httpHeaderName1"] = "Authorization"
    return found | {"secureJsonData": {"httpHeaderValue1": f"{word} $INFLUX_TOKEN"}}


def provider(path: str = DASHBOARDS_PATH) -> Json:
    """Where Grafana finds the dashboards, and in which folder it shows them."""
    return {"apiVersion": 1, "providers": [{
        "name": "cityvitals", "orgId": 1, "type": "file", "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID, "disableDeletion": False, "allowUiUpdates": False,
        "updateIntervalSeconds": 30, "options": {"path": path},
    }]}


def export(folder: Path, site: Site, influx: Json, path: str = DASHBOARDS_PATH) -> list[Path]:
    """Write everything below `folder`; old dashboards of ours there are removed."""
    shown = folder / "cityvitals"
    if shown.exists():
        for old in shown.glob("cv-*.json"):
            old.unlink()
    written = [
        _write(folder / "datasources" / "cityvitals.yaml",
               {"apiVersion": 1, "datasources": [influx]}),
        _write(folder / "dashboards" / "cityvitals.yaml", provider(path)),
        _write(folder / "alerting" / "cityvitals.yaml", for_file(site)),
    ]
    written += [_write(shown / f"{row['uid']}.json", row) for row in boards(site)]
    return written


def _write(path: Path, content: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    shutil.move(beside, path)
    return path
