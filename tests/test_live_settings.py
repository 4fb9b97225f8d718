"""A changed configuration of a running ingest: whole, or not at all, and on the record."""

import signal
from pathlib import Path

import pytest

from edge.settings import load
from ingest.archive import Kind, read
from ingest.live_settings import LIVE, LiveSettings
from ingest.settings_ingest import IngestSettings
from tests.brokers import Nats
from tests.line_city import write_places
from tests.live_ingest import LiveIngest, until


def live_of(path: Path, text: str) -> LiveSettings:
    path.write_text(text)
    return LiveSettings(load(path, IngestSettings), path)


def test_a_change_of_live_keys_is_taken(tmp_path: Path) -> None:
    live = live_of(tmp_path / "i.toml", "grace_s = 60\n")
    assert not live.look()
    (tmp_path / "i.toml").write_text("grace_s = 90\nk = 7\n")
    assert live.look()
    assert (live.settings.grace_s, live.settings.k, live.error) == (90, 7, "")
    assert not live.look()


@pytest.mark.parametrize(("text", "words"), [
    ("grace_s = 90\nopen_every_s = 'often'\n", "open_every_s"),
    ("grace_s = 90\ngrace = 1\n", "nearest known key is grace_s"),
    ("grace_s = 90\nk = 1\n", "k = 1 must lie between 2"),
    ("grace_s = 90\n[broker]\nurl = 'mqtt://elsewhere:1'\n", "key broker needs a restart"),
    ("grace_s = 90\ndata = 'there'\n", "key data needs a restart"),
    ("= 1", "i.toml"),
])
def test_a_wrong_file_is_refused_whole(tmp_path: Path, text: str, words: str) -> None:
    live = live_of(tmp_path / "i.toml", "grace_s = 60\n")
    (tmp_path / "i.toml").write_text(text)
    assert not live.look()
    assert live.settings.grace_s == 60
    assert words in live.error
    assert "\n" not in live.error
    (tmp_path / "i.toml").write_text("grace_s = 61\n")
    assert live.look()
    assert live.error == ""


def test_sighup_reads_it_again_though_it_looks_unchanged(tmp_path: Path) -> None:
    live = live_of(tmp_path / "i.toml", "")
    live.settings = IngestSettings(grace_s=5)
    assert not live.look()
    live.ask()
    assert live.look()


def test_every_live_key_is_one() -> None:
    assert set(LIVE) <= set(IngestSettings.__struct_fields__)


def test_a_running_ingest_takes_or_refuses_a_change(tmp_path: Path) -> None:
    broker = Nats(tmp_path / "broker")
    broker.start()
    write_places(tmp_path / "places.csv")
    ingest = LiveIngest(tmp_path, broker.url)
    try:
        ingest.start_and_wait()
        good = ingest.config.read_text()
        ingest.config.write_text("grace = 1\n" + good)
        until(lambda: "grace_s" in (ingest.health() or {})["configuration"]["error"], "refused")
        ingest.config.write_text("grace_s = 77\nk = 9\n" + good)
        until(lambda: (ingest.health() or {})["configuration"]["error"] == "", "taken")
        assert ingest._process is not None
        ingest._process.send_signal(signal.SIGHUP)
        assert ingest.stop() == 0
        told = [record.body for record in read(tmp_path / "ingest" / "archive")
                if record.kind == Kind.CONFIGURATION]
        assert told[-1] == b'{"grace_s":77,"k":9,"receipts":true}'
    finally:
        ingest.kill()
        broker.kill()
