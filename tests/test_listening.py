"""A restarted ingest calls nobody silent for what it has not read yet, and finds who is."""

from pathlib import Path
from typing import Any

import pytest

from dashboards.trust import judge
from ingest import listening
from ingest.health import Health
from ingest.line import Line
from ingest.listening import after_restart
from tests.line_city import (
    MINUTE_MS,
    MS,
    START_MS,
    Kept,
    abandon,
    line_of,
    message,
    row,
    single,
    write_places,
)

NAMES = {f"centre/s{k}": f"S{k}" for k in (1, 2, 3)}
ENDED_MS = START_MS + 2 * MINUTE_MS
BACK_MS = ENDED_MS + 90_000
QUIET_MS = listening.QUIET_NS // MS


class City:
    """Three stations, a reading a second; s3 falls silent a minute before ingest is killed."""

    def __init__(self, folder: Path) -> None:
        rows = [row(f"d{k}", f"s{k}", period_s=1.0) for k in (1, 2, 3)]
        write_places(folder / "places.csv", rows)
        self.folder = folder
        self.line = line_of(folder)
        for second in range(120):
            self.take(START_MS + second * 1000, (1, 2, 3) if second < 60 else (1, 2))
        self.line.tick(ENDED_MS * MS, with_open=False)
        abandon(self.line)
        self.line = line_of(folder, Kept())
        self.health = Health(self.line, "wall", after_restart(self.line.vitals.now_ns, "wall"))

    def take(self, time_ms: int, devices: tuple[int, ...], now_ms: int = 0) -> None:
        """A reading of each, in at `now_ms`."""
        number = (time_ms - START_MS) // 1000 + 1
        now_ms = now_ms or time_ms
        self.line.take(
            [message(f"d{k}", single(number, time_ms=time_ms), now_ms) for k in devices],
            now_ms * MS,
        )

    def silent(self, now_ms: int, *, connected: bool = True) -> list[str]:
        """Who is shown as silent; the page's status must agree."""
        broker: dict[str, Any] = {
            "url": "mqtt://b", "connected": connected, "since_ms": 0, "error": ""}
        said = self.health.build(now_ns=now_ms * MS, queue=0, broker=broker, sinks=[])
        found = judge(said, int(said["at_ms"]), NAMES)
        assert found.reporting == 3 - len(said["silent"])
        return sorted(one["place"] for one in said["silent"])


@pytest.fixture(name="city")
def _city(tmp_path: Path) -> Any:
    city = City(tmp_path)
    yield city
    city.line.close()


def test_nobody_is_silent_for_what_waits_at_the_broker(city: City) -> None:
    """A minute and a half away, and then half a minute to read what waited; s2 has died."""
    assert city.silent(BACK_MS, connected=False) == ["centre/s3"], "it was silent before"
    sent_ms = ENDED_MS
    for second in range(30):  # a backlog of 120 s, read at 4 s a second
        now_ms = BACK_MS + second * 1000
        while sent_ms < min(ENDED_MS + second * 4000, now_ms):
            city.take(sent_ms, (1,), now_ms)
            sent_ms += 1000
        assert city.silent(now_ms) == ["centre/s3"], second
    since_ms = BACK_MS + 30_000
    for second in range(120):
        now_ms = since_ms + second * 1000
        city.take(now_ms, (1,))
        if second * 1000 < QUIET_MS - 10_000:
            assert city.silent(now_ms) == ["centre/s3"], second
        elif second * 1000 > QUIET_MS + 15_000:
            assert city.silent(now_ms) == ["centre/s2", "centre/s3"], second
        else:
            assert city.silent(now_ms) in (["centre/s3"], ["centre/s2", "centre/s3"])


def test_without_a_broker_it_is_not_their_silence_for_five_minutes(city: City) -> None:
    last_ms = BACK_MS + listening.CATCH_UP_NS_MAX // MS
    for now_ms in range(BACK_MS, last_ms, 5000):
        assert city.silent(now_ms, connected=False) == ["centre/s3"]
    assert city.silent(last_ms + 5000, connected=False) == ["centre/s3"]
    assert city.silent(last_ms + 20_000, connected=False) == sorted(NAMES)


def test_a_clock_that_is_slow_for_ever_is_no_backlog_for_ever(city: City) -> None:
    for second in range(0, 400, 5):
        now_ms = BACK_MS + second * 1000
        city.take(now_ms - 60_000, (1,), now_ms)
        shown = city.silent(now_ms)
    assert "centre/s2" in shown


def test_the_age_that_is_told_is_the_age(city: City) -> None:
    city.silent(BACK_MS)
    line: Line = city.line
    place = next(k for k, key in enumerate(line.vitals.registry.keys) if key.station == "s1")
    age_s, online = city.health.ages(BACK_MS * MS)[place]
    assert (age_s, online) == (90.0, True)


def test_an_ingest_that_was_never_away_judges_at_once(tmp_path: Path) -> None:
    city = City(tmp_path)
    assert after_restart(0, "wall") is after_restart(ENDED_MS * MS, "recorded") is None
    city.health = Health(city.line, "wall", after_restart(0, "wall"))
    assert city.silent(BACK_MS) == sorted(NAMES)
    city.line.close()
