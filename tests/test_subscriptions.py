"""Filters of an earlier life: remembered in a file, ended on a real broker."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.subscriptions import STALE_MAX, Subscriptions
from tests.brokers import Broker, Mosquitto, Nats
from tests.live_ingest import publish, until


@pytest.mark.parametrize("kind", [Nats, Mosquitto])
def test_a_session_that_is_still_there_loses_its_old_filters(
    kind: type[Broker], tmp_path: Path
) -> None:
    broker = kind(tmp_path / "broker")
    broker.start()
    came: list[str] = []

    def session(*filters: str) -> Connection:
        one = Connection(
            BrokerSettings(url=broker.url), "reader", remembered=tmp_path / "filters.json",
            subscriptions=[(topic, 1) for topic in filters],
            on_message=lambda topic, payload, qos, receipt, retain: came.append(topic),
        )
        one.start()
        assert one.wait_ready(10)
        return one

    try:
        first = session("cv/1/r/#", "old/#")
        assert not first.session_present
        first.stop()
        second = session("cv/1/r/#", "new/#")
        assert second.session_present
        topics = ("old/a", "new/a", "cv/1/r/a")
        publish(broker.url, [(topic, b"x") for topic in topics])
        until(lambda: len(came) >= 2, "both arrive")
        second.stop()
        assert sorted(came) == ["cv/1/r/a", "new/a"]
        filters = json.loads((tmp_path / "filters.json").read_text())["filters"]
        assert filters == ["cv/1/r/#", "new/#"]
    finally:
        broker.kill()


def test_an_end_before_the_broker_confirmed_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "filters.json"
    Subscriptions([("a", 1)], path).begin(session_present=False)
    assert Subscriptions([("b", 1)], path).begin(session_present=True) == ["a"]
    third = Subscriptions([("c", 1)], path)
    assert third.begin(session_present=True) == ["b", "a"]
    third.done()
    assert Subscriptions([("c", 1)], path).begin(session_present=True) == []


def test_a_new_session_has_nothing_to_end(tmp_path: Path) -> None:
    path = tmp_path / "filters.json"
    Subscriptions([("a", 1)], path).begin(session_present=False)
    assert Subscriptions([("b", 1)], path).begin(session_present=False) == []


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"format":2,"filters":["a"]}', "\xff", "null"])
def test_a_strange_file_costs_nothing(
    tmp_path: Path, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "filters.json"
    path.write_text(body, encoding="latin-1")
    assert Subscriptions([("b", 1)], path).begin(session_present=True) == []
    assert "old subscriptions stay" in caplog.text
    assert Subscriptions([("c", 1)], path).begin(session_present=True) == ["b"]


def test_a_folder_that_cannot_be_written_and_no_file_at_all(tmp_path: Path) -> None:
    one = Subscriptions([("b", 1)], tmp_path / "absent" / "filters.json")
    assert one.begin(session_present=True) == []
    one.done()
    assert Subscriptions([("b", 1)], None).begin(session_present=True) == []


def test_old_filters_are_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "filters.json"
    filters: list[Any] = [(f"f/{n}", 1) for n in range(STALE_MAX + 50)]
    Subscriptions(filters, path).begin(session_present=False)
    assert len(Subscriptions([("b", 1)], path).begin(session_present=True)) == STALE_MAX
    assert "the session keeps 50 old subscriptions" in caplog.text
