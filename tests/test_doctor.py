"""`cityvitals doctor`: what it says of a folder that is well, absent, broken or in use."""

import fcntl
import json
import socket
from pathlib import Path

import pytest

from cityvitals import broker, doctor, plan
from edge import places
from ingest.folder_lock import held
from ingest.store import Store
from tests.test_place import ROW


def _said(folder: Path) -> dict[str, doctor.Finding]:
    return {row.what: row for row in doctor.findings(folder, broker.free_port(19_400))}


def test_before_the_first_start_nothing_is_wrong(tmp_path: Path) -> None:
    said = _said(tmp_path / "none")
    assert all(row.ok is not False for row in said.values()), said
    assert said["up"].text == "not running"


def test_a_broken_places_file_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "places.csv").write_text("nonsense")
    assert doctor.report(tmp_path, broker.free_port(19_400), as_json=False) == 1
    assert "WRONG places" in capsys.readouterr().out


def test_the_page_is_looked_for_where_the_running_city_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as page:
        port = page.getsockname()[1]
        (tmp_path / "page.url").write_text(f"http://127.0.0.1:{port}\n")
        with (tmp_path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            said = {row.what: row for row in doctor.findings(tmp_path, None)}
            assert said["page"] == ("page", True, f"port {port} listens")
            other = broker.free_port(19_400)  # what is asked for is what is looked at
            said = {row.what: row for row in doctor.findings(tmp_path, other)}
            assert said["page"] == ("page", False, f"port {other} is silent")
        # Nothing runs: what counts is whether the next `up` could have its port.
        said = {row.what: row for row in doctor.findings(tmp_path, None)}
        assert said["page"].text.startswith("port 8080 ")


@pytest.mark.parametrize("text", ["", "http://127.0.0.1", "http://127.0.0.1:99999", "\0"])
def test_a_damaged_page_url_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.url").write_text(text)
    assert plan.page_port(tmp_path) is None


def test_a_held_folder_is_running_and_an_old_health_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "places.csv").write_text(places.render([ROW]))
    store = Store.create(tmp_path / "store.db")
    sink = {"name": "influx", "queued": 3, "error": "refused"}
    store.write_health({
        "at_ms": 1, "broker": {"url": "mqtt://x:1", "connected": False}, "sinks": [sink],
    })
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert doctor.report(tmp_path, broker.free_port(19_400), as_json=True) == 1
    store.close()
    said = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert said["places"]["ok"] is True
    assert said["up"]["text"] == "running"
    assert [said[name]["ok"] for name in ("page", "ingest", "broker", "sink influx")] == [False] * 4


def test_an_ingest_that_runs_as_a_service_is_looked_at_and_its_page_may_have_the_port(
    tmp_path: Path
) -> None:
    """The guide's last command called the page of the services wrong, and asked nothing else."""
    store = Store.create(tmp_path / "store.db")
    broker_of_it = {"url": "mqtt://x:1", "connected": True}
    store.write_health({"at_ms": 1, "broker": broker_of_it, "sinks": []})
    store.close()
    with socket.create_server(("127.0.0.1", 0)) as page, held(tmp_path / "ingest"):
        port = page.getsockname()[1]
        said = {row.what: row for row in doctor.findings(tmp_path, port)}
    assert said["up"].text == "not running; ingest runs without it"
    assert said["page"] == ("page", True, f"port {port} listens")
    assert (said["broker"].ok, said["ingest"].ok) == (True, False), "its last word is old"
