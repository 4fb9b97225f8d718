"""What is shipped in `deploy/`: every file is parsed, what can run is run, and names agree."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from cityvitals.main import app
from dashboards.grafana_files import DASHBOARDS_PATH
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.edge_program import EdgeSettings
from edge.settings import load
from ingest.settings_ingest import IngestSettings
from tests.brokers import free_port
from tests.live_ingest import until

DEPLOY = Path(__file__).parent.parent / "deploy"
ROOT = DEPLOY.parent
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def understood(words: list[str]) -> None:
    """Fail if our command line does not take these words."""
    command: Any = typer.main.get_command(app)
    context = typer.Context(command)
    while hasattr(command, "commands"):
        name, *words = words
        command = command.get_command(context, name)
        assert command is not None, name
    command.make_context(command.name, list(words))


def unit(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture(scope="module", name="secrets")
def _secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for program in ("openssl", "mosquitto_passwd"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    subprocess.run(["sh", DEPLOY / "credentials.sh", "city.example.org", folder], check=True,
                   capture_output=True)
    return folder


def test_images_are_pinned_and_one_is_ours() -> None:
    images = {name: row["image"] for name, row in SERVICES.items()}
    for name, image in images.items():
        version = image.partition(":")[2]
        assert image == "cityvitals:local" or re.fullmatch(r"\d+\.\d+\.\d+", version), name
    ours = [name for name, image in images.items() if image == "cityvitals:local"]
    assert sum("build" in SERVICES[name] for name in ours) == 1
    built = next(SERVICES[name]["build"] for name in ours if "build" in SERVICES[name])
    assert (DEPLOY / built["context"] / built["dockerfile"]).is_file()


def test_names_agree_across_services_volumes_secrets_and_ports() -> None:
    ports = []
    for name, row in SERVICES.items():
        assert set(row.get("depends_on", {})) <= set(SERVICES), name
        assert set(row.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        for volume in row.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"], source
        ports += row.get("ports", [])
    assert sorted(ports) == ["127.0.0.1:3000:3000", "127.0.0.1:8080:8080", "8883:8883"]


def test_commands_of_containers_and_units_are_understood() -> None:
    for name, row in SERVICES.items():
        if row["image"] == "cityvitals:local":
            text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", row["command"])
            understood(shlex.split(text))
            for path in re.findall(r"/run/secrets/(\w+)", text):
                assert path in row["secrets"], name
    for path in UNITS:
        for line in unit(path)["ExecStart"] + unit(path).get("ExecStartPre", []):
            program, *words = shlex.split(line)
            assert program == "/opt/cityvitals/.venv/bin/cityvitals"
            understood(words)


def test_shipped_configurations_load_and_name_what_there_is() -> None:
    settings = load(DEPLOY / "compose" / "ingest.toml", IngestSettings)
    assert settings.influx is not None
    environment = SERVICES["influxdb"]["environment"]
    assert settings.influx.bucket == environment["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert settings.influx.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
    assert settings.broker.url == "mqtt://ingest@broker:1883"
    assert settings.influx.url == "http://influxdb:8086"
    assert f"--bucket {settings.influx.bucket}" in SERVICES["dashboards"]["command"]
    for file in (settings.broker.password_file, settings.influx.token_file):
        assert Path(file).name in SERVICES["ingest"]["secrets"]
    mounts = SERVICES["ingest"]["volumes"]
    assert any(row.endswith(f":{settings.data}") for row in mounts)
    assert f"provisioning:{Path(DASHBOARDS_PATH).parent}:ro" in SERVICES["grafana"]["volumes"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(DASHBOARDS_PATH)
    load(DEPLOY / "systemd" / "ingest.toml", IngestSettings)
    load(DEPLOY / "systemd" / "edge.toml", EdgeSettings)


def test_the_container_that_writes_for_grafana_writes_what_grafana_is_told_to_read(
    tmp_path: Path
) -> None:
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", SERVICES["dashboards"]["command"])
    (volume,) = SERVICES["dashboards"]["volumes"]
    words = [word.replace(volume.split(":")[1], str(tmp_path)) for word in shlex.split(text)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    grafana = SERVICES["grafana"]["environment"]
    home = Path(grafana["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (tmp_path / home.relative_to(Path(DASHBOARDS_PATH).parent)).is_file()
    source = (tmp_path / "datasources" / "cityvitals.yaml").read_text()
    for name in re.findall(r"\$([A-Z_]+)", source):
        assert name in grafana
    assert yaml.safe_load(source)["datasources"][0]["url"] == "http://influxdb:8086"
    provider = yaml.safe_load((tmp_path / "dashboards" / "cityvitals.yaml").read_text())
    assert provider["providers"][0]["options"]["path"] == DASHBOARDS_PATH


def test_the_image_is_made_of_files_that_there_are() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY (.*) \S+$", text, re.M):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    packages = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    assert packages is not None
    for room in json.loads(f"[{packages[1]}]"):
        assert f"COPY {room} {room}" in text
    assert "FROM python:3.11" in text
    assert re.search(r"^USER cityvitals$", text, re.M)
    ignored = (ROOT / ".gitignore").read_text() + (ROOT / ".dockerignore").read_text()
    assert ignored.count("deploy/secrets") == ignored.count("deploy/.env") == 2


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_hardened_and_systemd_takes_them(path: Path, tmp_path: Path) -> None:
    made = unit(path)
    assert made["NoNewPrivileges"] == made["ProtectHome"] == ["yes"]
    assert made["ProtectSystem"] == ["strict"]
    assert made["StateDirectory"]
    assert "User" in made or made["DynamicUser"] == ["yes"]
    assert made["RestartPreventExitStatus"] == ["2"]
    credentials = {row.split(":")[0] for row in made.get("LoadCredential", [])}
    config = DEPLOY / "systemd" / f"{path.stem.removeprefix('cityvitals-')}.toml"
    if config.exists():
        for service, name in re.findall(r"/run/credentials/([^/]+)/(\w+)", config.read_text()):
            assert service == path.name
            assert name in credentials
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace(
        "/opt/cityvitals/.venv/bin/cityvitals", shutil.which("true") or "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True,
                          text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if path.name in line]
    assert ours == []
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", copy],
                          capture_output=True, text=True, check=False)
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= 2.5


def test_the_agent_may_ask_whether_its_clock_is_synchronised() -> None:
    """`edge.clock` takes a refused question for yes; readings of a wrong clock went unflagged."""
    made = unit(DEPLOY / "systemd" / "cityvitals-edge.service")
    assert "ProtectClock" not in made
    assert {"adjtimex", "clock_adjtime", "clock_adjtime64"} <= set(
        made["SystemCallFilter"][-1].split()), "after the line that takes @privileged away"


def test_credentials_are_made_once_and_kept(secrets: Path) -> None:
    wanted = {Path(row["file"]).name for row in COMPOSE["secrets"].values()}
    assert wanted <= {path.name for path in secrets.iterdir()}
    lines = (secrets.parent / ".env").read_text().splitlines()
    names = {line.split("=")[0] for line in lines}
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)(?::\?[^}]*)?\}", text)) == names
    assert all(len(line.split("=")[1]) == 32 for line in lines)
    assert (secrets.stat().st_mode & 0o077, (secrets / "ca.key").stat().st_mode & 0o077) == (0, 0)
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run(["sh", DEPLOY / "credentials.sh", "city.example.org", secrets], check=True,
                   capture_output=True)
    after = {path.name: path.read_bytes() for path in secrets.iterdir()}
    assert {k: v for k, v in before.items() if k != "passwords"} == {
        k: v for k, v in after.items() if k != "passwords"}
    done = subprocess.run(["sh", DEPLOY / "credentials.sh", "a b", secrets], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, "HOST = 'a b'" in done.stderr) == (2, True)


def test_services_may_read_what_stands_beside_the_secrets(secrets: Path, tmp_path: Path) -> None:
    """In a new /etc/cityvitals ingest's own user could not read ingest.toml."""
    beside = tmp_path / "etc" / "cityvitals"
    subprocess.run(["sh", DEPLOY / "credentials.sh", "a.example", beside / "secrets"], check=True,
                   capture_output=True)
    for folder in (beside, beside.parent):
        assert folder.stat().st_mode & 0o055 == 0o055, folder
    assert (beside / "secrets").stat().st_mode & 0o077 == 0


DOCKER = """#!/bin/sh
echo "$@" >> "$CALLS"
say() { printf '{\\n\\t"id": "0aa1",\\n\\t"%s": "%s",\\n\\t"x": "y"\\n}\\n' "$1" "$2"; }
case "$*" in
  *"influx bucket list"*) say name cityvitals;;
  *"--write-bucket 0aa1"*) say token may-write==;;
  *"--read-bucket 0aa1"*) say token may-read==;;
esac
"""
"""Answers as `influx --json` prints: indented, a key a line."""


def test_ingest_and_grafana_get_tokens_of_their_own(secrets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deploy"
    shutil.copytree(secrets, folder / "secrets")
    shutil.copy(secrets.parent / ".env", folder / ".env")
    shutil.copy(DEPLOY / "scoped_tokens.sh", folder)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    calls = tmp_path / "calls"
    env = {"PATH": f"{docker.parent}:/usr/bin:/bin", "CALLS": str(calls)}
    command = ["sh", str(folder / "scoped_tokens.sh")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept = folder / "secrets"
    assert (kept / "influx_token").read_text() == "may-write=="
    assert (kept / "grafana_influx_token").read_text() == "may-read=="
    told = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())
    names = {name: name.lower() for name in ("GRAFANA_INFLUX_TOKEN", "INFLUX_ADMIN_TOKEN")}
    assert {name: told[name] for name in names} == {
        name: (kept / file).read_text() for name, file in names.items()}
    assert calls.read_text().splitlines()[-1].endswith("--force-recreate ingest grafana")
    (kept / "influx_admin_token").unlink()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, "credentials.sh" in done.stderr) == (2, True)


@contextmanager
def mosquitto(secrets: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """The broker as `with-users.sh` has it, on free ports: without TLS, and with."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(program).exists():
        pytest.skip("mosquitto is not installed")
    conf, plain, secure = folder / "mosquitto.conf", free_port(), free_port()
    subprocess.run(["sh", DEPLOY / "broker" / "with-users.sh", DEPLOY / "broker", secrets,
                    folder, conf], check=True)
    text = re.sub(r"^listener 1883$", f"listener {plain} 127.0.0.1", conf.read_text(), flags=re.M)
    text = re.sub(r"^listener 8883$", f"listener {secure} 127.0.0.1", text, flags=re.M)
    assert "allow_anonymous false" in text
    conf.write_text(("user root\n" if os.geteuid() == 0 else "") + text)
    with (folder / "log").open("wb") as log:
        broker = subprocess.Popen([program, "-c", conf], stdout=log, stderr=log)
    try:
        time.sleep(0.3)
        yield plain, secure
    finally:
        broker.kill()
        broker.wait()


def test_mosquitto_with_users_and_tls_lets_in_who_may(secrets: Path, tmp_path: Path) -> None:
    with mosquitto(secrets, tmp_path) as (plain, secure):
        _let_in(secrets, tmp_path, plain, secure)


def _let_in(secrets: Path, tmp_path: Path, plain: int, secure: int) -> None:
    heard: list[str] = []
    ingest = Connection(
        BrokerSettings(url=f"mqtt://ingest@127.0.0.1:{plain}",
                       password_file=str(secrets / "ingest_password")), "t-ingest",
        subscriptions=[("cv/1/r/#", 1)], on_message=lambda topic, *_: heard.append(topic))
    edge = Connection(
        BrokerSettings(url=f"mqtts://edge@127.0.0.1:{secure}", ca_file=str(secrets / "ca.pem"),
                       password_file=str(secrets / "edge_password")), "t-edge")
    nobody = Connection(BrokerSettings(url=f"mqtt://127.0.0.1:{plain}"), "t-nobody")
    try:
        for one in (ingest, edge):
            one.start()
        assert ingest.wait_ready(10), (tmp_path / "log").read_text()
        assert edge.wait_ready(10), (tmp_path / "log").read_text()
        edge.publish("cv/1/i/not/for/me/air/x", b"{}", qos=1)
        edge.publish("cv/1/r/porto/centre/s1/pm-s1", b"{}", qos=1)
        until(lambda: heard == ["cv/1/r/porto/centre/s1/pm-s1"], "ingest hears the edge")
        nobody.start()
        assert not nobody.wait_ready(1)
    finally:
        for one in (ingest, edge, nobody):
            one.stop()


def test_nats_takes_its_shipped_settings(tmp_path: Path) -> None:
    text = (DEPLOY / "broker" / "nats.conf").read_text().replace(
        "/var/lib/cityvitals/nats", str(tmp_path / "nats"))
    (tmp_path / "nats.conf").write_text(text)
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    done = subprocess.run([program, "-t", "-c", tmp_path / "nats.conf"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
