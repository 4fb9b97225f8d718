"""The live feed: frames, the bounded queue of a client, resume, and a store that comes late."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards import live
from dashboards.live import Client, Feed, NoStoreError, TooManyClientsError
from ingest.store import Changes, Reading, Store, Upto
from tests.page_city import SILENT, WORST, City
from tests.page_site import WAIT_S_MAX
from tests.store_readings import write_readings
from tests.test_answers import GOLDEN, point

DEVICE = "dev-centre-air1"


def reading(time_ms: int, value: float = 1.0) -> Reading:
    return Reading("centre/air1", DEVICE, "pm25", "", time_ms, value, 1, 10.0)


def test_frames_are_as_documented() -> None:
    """The golden shows one poll with both kinds, then a heartbeat: only the last id is new."""
    frames = live.change_frames(Changes(
        Upto(45, 46), [point()], [reading(1_763_835_999_100, 12.5)]), 41)
    frames.append(live.frame("heartbeat", {"now_ms": 1_763_836_000_000, "seq": 45}))
    assert b"".join(frames).decode() == (GOLDEN / "http_live.txt").read_text(encoding="utf-8")


def test_a_poll_without_changes_sends_nothing() -> None:
    assert live.change_frames(Changes(Upto(45, 45), [], []), 45) == []


def test_a_full_queue_drops_the_oldest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FRAMES_MAX", 2)

    async def check() -> None:
        client = Client()
        assert [client.put(data) for data in (b"a", b"b", b"c")] == [0, 0, 1]
        text = await client.next()
        assert text.startswith(b"event: reload\n")
        assert text.endswith(b"bc")
        client.put(b"d")
        assert await client.next() == b"d"

    asyncio.run(check())


def test_a_queue_of_large_frames_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FRAMES_BYTES_MAX", 10)

    async def check() -> None:
        client = Client()
        assert [client.put(data) for data in (b"1234", b"56789", b"0", b"x")] == [0, 0, 0, 1]
        assert (await client.next()).endswith(b"\n\n567890x")
        assert [client.put(data) for data in (b"a", b"b", b"c" * 99, b"d")] == [0, 0, 2, 1]
        assert (await client.next()).endswith(b"\n\nd")

    asyncio.run(check())


def running(path: Path, check: Callable[[Feed], Awaitable[None]], **options: Any) -> None:
    """Run `check` beside a feed that follows the store at `path`."""
    async def both() -> None:
        feed = Feed(path, **options)
        task = asyncio.create_task(feed.run())
        try:
            await asyncio.wait_for(check(feed), 2 * WAIT_S_MAX)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(both())


async def true(what: Callable[[], Any]) -> None:
    """Wait until `what` holds."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not what():
            await asyncio.sleep(0.02)


def events(data: bytes) -> list[tuple[str, Any]]:
    """Event name and body of each frame."""
    found = []
    for text in data.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


async def heard(client: Client, *wanted: str) -> Any:
    """The body of the next frame with one of these names."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            for name, body in events(await client.next()):
                if name in wanted:
                    return body


def test_changes_reach_a_client_and_a_second_one_resumes_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.create(path)
    write_readings(store, [reading(1000)])

    async def check(feed: Feed) -> None:
        await true(lambda: feed.ready)
        first = feed.latest.seq
        async with feed.subscribe(None) as client:
            await asyncio.to_thread(write_readings, store, [reading(2000, 2.0)])
            body = await heard(client, "readings")
            assert [row[4:6] for row in body["readings"]] == [[2000, 2.0]]
            assert body["seq"] == feed.latest.seq > first
        async with feed.subscribe(first) as late:
            body = await heard(late, "readings")
            assert [row[4] for row in body["readings"]] == [2000]
        async with feed.subscribe(feed.latest.seq) as same:
            assert (await heard(same, "heartbeat"))["seq"] == feed.latest.seq
        assert feed.clients == 0

    running(path, check)
    store.close()


def test_many_changes_come_in_parts_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_ROWS_MAX", 3)
    rows = [reading(1000)._replace(channel=str(n)) for n in range(8)]
    store = Store.create(tmp_path / "store.db")

    async def check(feed: Feed) -> None:
        await true(lambda: feed.ready)
        async with feed.subscribe(None) as client:
            await asyncio.to_thread(write_readings, store, rows)
            parts = []
            while sum(map(len, parts)) < 8:
                body = await heard(client, "readings")
                parts.append([row[3] for row in body["readings"]])
        assert [len(part) for part in parts] == [3, 3, 2]
        assert sorted(channel for part in parts for channel in part) == [str(n) for n in range(8)]

    running(tmp_path / "store.db", check)
    store.close()


def test_too_far_behind_or_ahead_is_told_to_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RESUME_ROWS_MAX", 1)
    path = tmp_path / "store.db"
    store = Store.create(path)
    write_readings(store, [reading(1000), reading(1000)._replace(channel="b")])

    async def check(feed: Feed) -> None:
        await true(lambda: feed.ready)
        for after in (1, feed.latest.seq + 1):
            async with feed.subscribe(after) as client:
                assert (await heard(client, "reload"))["why"] in ("behind", "store")

    running(path, check)
    store.close()


def test_no_more_clients_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLIENTS_MAX", 1)
    Store.create(tmp_path / "store.db").close()

    async def check(feed: Feed) -> None:
        await true(lambda: feed.ready)
        async with feed.subscribe(None):
            with pytest.raises(TooManyClientsError):
                async with feed.subscribe(None):
                    pass
        async with feed.subscribe(None):
            assert feed.clients == 1

    running(tmp_path / "store.db", check)


def test_a_store_that_comes_late_and_one_that_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def check(feed: Feed) -> None:
        with pytest.raises(NoStoreError):
            async with feed.subscribe(None):
                pass
        store = await asyncio.to_thread(Store.create, path)
        write_readings(store, [reading(1000, 1.0)])
        await true(lambda: feed.ready and list(feed.latest.readings()))
        async with feed.subscribe(None) as client:
            store.close()
            for part in tmp_path.glob("store.db*"):
                part.unlink(missing_ok=True)
            fresh = await asyncio.to_thread(Store.create, path)
            write_readings(fresh, [reading(500, 9.0)])
            # Its numbers lie above the old store's, so what it holds is news to every page;
            # one that polled in between finds no store and loads anew.
            await heard(client, "readings", "reload")
            await true(lambda: [row.value for row in feed.latest.readings()] == [9.0])
            fresh.close()

    running(path, check)


def test_heartbeat_tells_status_worst_cause_and_since(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    now_ms = time.time_ns() // 1_000_000
    city = City(path, now_ms)
    city.tick(now_ms)

    async def check(feed: Feed) -> None:
        await true(lambda: feed.ready)
        async with feed.subscribe(None) as client:
            status = (await heard(client, "heartbeat"))["status"]
        worst = next(row for row in status["worst_of"] if row["indicator"] == "air.us_aqi")
        assert worst["place"] == WORST
        assert worst["cause"] == "air.us_aqi_pm25"
        hours = (now_ms - worst["since_ms"]) / 3_600_000
        assert 4 <= hours <= 5.1
        assert status["trust"] == "good"
        assert SILENT in [row["place"] for row in status["why"]]

    running(path, check, wall_ms=lambda: now_ms)
    city.store.close()


def test_new_places_make_every_page_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PLACES_POLL_S", 0.1)
    path = tmp_path / "store.db"
    city = City(path, 1_763_836_000_000)

    async def check(feed: Feed) -> None:
        await true(lambda: feed.ready)
        async with feed.subscribe(None) as client:
            city.store.write_places(city.places[:-1])
            assert (await heard(client, "reload"))["why"] == "places"
        assert len(feed.latest.places) == len(city.places) - 1

    running(path, check)
    city.store.close()
