"""The real page server in a thread of its own, over a store file, for tests."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from dashboards import server
from dashboards.devices import Devices
from dashboards.live import Feed

WAIT_S_MAX = 30.0


def until(true: Callable[[], Any], seconds: float = WAIT_S_MAX) -> Any:
    """Poll `true` until it holds; its last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError("it did not come true in time")
        time.sleep(0.05)


class Answer(NamedTuple):
    """Status, headers (lower-case names) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Site:
    """One running server: `get` asks it, `feed` is what it answers from."""

    def __init__(self, feed: Feed, port: int) -> None:
        self.feed = feed
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """One request on a connection of its own; the path goes out as it is."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S_MAX)
        try:
            link.request(method, path, headers=headers or {})
            response = link.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            link.close()

    def ready(self) -> "Site":
        """Wait until the store has been read."""
        until(lambda: self.feed.ready)
        return self

    @contextmanager
    def events(self, path: str = "/api/live", headers: dict[str, str] | None = None
               ) -> Iterator[Iterator[dict[str, str]]]:
        """Server-sent events as they come: id, event, data."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S_MAX)
        try:
            link.request("GET", path, headers=headers or {})
            response = link.getresponse()
            assert response.status == 200, response.read()
            yield _parsed(response)
            response.close()
        finally:
            link.close()


def _parsed(lines: http.client.HTTPResponse) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in lines:
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
        else:
            if "event" in fields:
                yield fields
            fields = {}


@contextmanager
def site(path: Path, token: str | None = None, wall_ms: Callable[[], int] | None = None,
         port: int = 0, devices: Devices | None = None) -> Iterator[Site]:
    """Serve the store at `path` on a free port (or `port`) until the block ends.

    devices: what devices say of themselves on a broker is followed, too.
    """
    started: list[Site] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        feed = Feed(path, wall_ms)
        stop = asyncio.Event()
        tasks = [asyncio.create_task(feed.run())]
        if devices is not None:
            tasks.append(asyncio.create_task(devices.run(feed.send_device)))

        def ready(url: str) -> None:
            loops.append((asyncio.get_running_loop(), stop))
            started.append(Site(feed, int(url.rsplit(":", 1)[1])))

        await server.serve(server.application(feed, devices, token), "127.0.0.1", port, stop,
                           ready)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    until(lambda: started or not thread.is_alive())
    try:
        yield started[0]
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(WAIT_S_MAX)
        assert not thread.is_alive()
