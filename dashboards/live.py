"""The live feed: polls the store for changes and hands them to every client as SSE frames.

One thread reads the store for all clients. Each client has a bounded queue; where it overflows
the oldest frames go and the client is told to reload. A frame's id is the store's `seq` up to
which the client is complete, so `Last-Event-ID` resumes without a gap.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dashboards import answers, beginning
from dashboards.latest import Latest, Worst
from dashboards.trust import Health, clock, judge, now_ms
from ingest import garbage
from ingest.store import Changes, PlaceInfo, Sample, Store, StoreError, Upto

log = logging.getLogger(__name__)

DATA_DEFAULT = Path(".cityvitals")
"""The data folder that commands take when none is named."""
POLL_S = 0.02
POLL_ROWS_MAX = 2_000
"""Points, and latest readings, of one poll, some 10 ms of work: 19,000 points of open windows come
at once in a city of 1,000 stations, and readings shall not wait for them. What is left comes at
once."""
HEARTBEAT_S = 1.0
PLACES_POLL_S = 5.0
FRAMES_MAX = 256
FRAMES_BYTES_MAX = 16 << 20
"""Frames of a large city are megabytes; the newest is kept however large it is."""
CLIENTS_MAX = 500
RESUME_ROWS_MAX = 20_000
SINCE_BACK_MS = 7 * 86_400_000
SINCE_SAMPLES_MAX = 2_500
"""A week of 5-minute windows, and some."""

Result = TypeVar("Result")


class TooManyClientsError(Exception):
    """`CLIENTS_MAX` pages are listening already; try later."""

    code = "clients"


class NoStoreError(Exception):
    """There is no store yet; ingest has not started here, or elsewhere."""


def frame(event: str, data: answers.Json, seq: int | None = None) -> bytes:
    """One server-sent event, with an id where `seq` is given."""
    head = f"id: {seq}\n" if seq is not None else ""
    return b"".join((f"{head}event: {event}\ndata: ".encode(), msgspec.json.encode(data), b"\n\n"))


def change_frames(changes: Changes, after: int) -> list[bytes]:
    """Frames of a poll. Only the last carries the new seq: one cut off in between resumes."""
    frames: list[tuple[str, answers.Json]] = []
    if changes.readings:
        frames.append(("readings", {"seq": changes.seq, "readings": changes.readings}))
    if changes.points:
        rows = answers.point_rows(changes.points)
        frames.append(("points", {"seq": changes.seq, "points": rows}))
    last = len(frames) - 1
    return [
        frame(event, data, changes.seq if i == last else after)
        for i, (event, data) in enumerate(frames)
    ]


class Client:
    """The bounded queue of one page. Frames that overflow are dropped, the oldest first."""

    def __init__(self) -> None:
        self._lost = False
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    def put(self, data: bytes) -> int:
        """Queue a frame; how many frames had to go for it."""
        self._frames.append(data)
        self._bytes += len(data)
        gone = 0
        while len(self._frames) > 1 and (
            len(self._frames) > FRAMES_MAX or self._bytes > FRAMES_BYTES_MAX
        ):
            self._bytes -= len(self._frames.popleft())
            gone += 1
        self._lost = self._lost or gone > 0
        self._wake.set()
        return gone

    async def next(self) -> bytes:
        """All that waits, as one piece; starts with `reload` where frames were dropped."""
        while not self._frames:
            self._wake.clear()
            await self._wake.wait()
        data = b"".join(self._frames)
        self._frames.clear()
        self._bytes = 0
        if self._lost:
            data = frame("reload", {"why": "slow"}) + data
            self._lost = False
        return data


class Feed:
    """Follows one store file; everything but the store's reads happens on the event loop."""

    def __init__(self, path: Path, wall_ms: Callable[[], int] | None = None) -> None:
        self.latest = Latest()
        self.health: Health | None = None
        self.worst: list[answers.Json] = []
        self.ready = False
        self.past: float | None = None
        """How much of the city's past is computed, while it is; there may be no store yet."""
        self.dropped = 0
        self.data = "" if path.parent == DATA_DEFAULT else str(path.parent)
        self.wall_ms = wall_ms or (lambda: time.time_ns() // 1_000_000)
        self.folder = path.parent
        self._path = path
        self._store: Store | None = None
        # SQLite connections stay in the thread that opened them, so there is exactly one.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._clients: set[Client] = set()
        self._since: dict[tuple[str, str, int], answers.Since | None] = {}
        self._places_read_s = 0.0
        self._upto = Upto(0, 0)

    @property
    def clients(self) -> int:
        """Pages listening now."""
        return len(self._clients)

    @property
    def speaks(self) -> bool:
        """True once there is something to say, be it only that the past is computed."""
        return self.ready or self.past is not None

    def _look_for_past(self) -> None:
        heard_ms = int(self.health["at_ms"]) if self.health else 0
        self.past = beginning.told(self.folder, self.wall_ms(), heard_ms)

    async def read(self, what: Callable[[Store], Result]) -> Result:
        """Run `what` on the store in the reading thread. Raises `NoStoreError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._read, what)

    def _read(self, what: Callable[[Store], Result]) -> Result:
        try:
            if self._store is None:
                self._store = Store.reader(self._path)
            return what(self._store)
        except StoreError as error:
            if self._store is not None:
                self._store.close()
                self._store = None
            raise NoStoreError(str(error)) from error

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()

    async def run(self) -> None:
        """Poll and beat until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow())
                tasks.create_task(self._beat())
        finally:
            garbage.ended()
            await asyncio.get_running_loop().run_in_executor(self._reader, self._close)
            self._reader.shutdown()

    async def _follow(self) -> None:
        told = False
        self._look_for_past()
        while True:
            more = False
            try:
                if self.ready:
                    more = await self._poll()
                else:
                    await self._load()
                told = False
            except NoStoreError as error:
                self.ready = False
                if not told:
                    log.warning("store cannot be read: %s", error)
                    told = True
            await asyncio.sleep(0 if more else POLL_S)

    async def _load(self, why: str = "store") -> None:
        def everything(store: Store) -> tuple[list[PlaceInfo], Changes, Health | None]:
            return store.places(), store.changes(0), store.health()

        places, changes, self.health = await self.read(everything)
        self.latest.replace(changes.seq, places, changes.points, changes.readings)
        self._upto = changes.upto
        self.ready = True
        garbage.settled()
        log.info("store read at seq %d", changes.seq)
        await self._judge()
        self._send(frame("reload", {"why": why}))

    async def _poll(self) -> bool:
        """Take what changed, up to `POLL_ROWS_MAX` rows of a kind; True if there may be more."""
        upto, after = self._upto, self.latest.seq
        known_ms = int(self.health["at_ms"]) if self.health else 0

        def changed(store: Store) -> tuple[Changes, Health | None]:
            return store.changes(upto, POLL_ROWS_MAX), store.health(known_ms)

        changes, health = await self.read(changed)
        if changes.seq < after:
            self.ready = False  # another store took this one's place
            return False
        self._upto = changes.upto
        if changes.seq > after:
            self.latest.apply(changes.seq, changes.points, changes.readings)
            for data in change_frames(changes, after) if self._clients else ():
                self._send(data)
        if health is not None:
            self.health = health
            body = {"seq": self.latest.seq, "health": answers.health_view(
                health, self.latest.stations(), self.data)}
            self._send(frame("health", body, self.latest.seq))
        await self._refresh_places()
        return max(len(changes.points), len(changes.readings)) >= POLL_ROWS_MAX

    async def _refresh_places(self) -> None:
        wait_s = PLACES_POLL_S if self.latest.places else HEARTBEAT_S / 2
        if time.monotonic() - self._places_read_s < wait_s:
            return
        self._places_read_s = time.monotonic()
        places = await self.read(lambda store: store.places())
        if places != self.latest.places:
            # Anew and whole: what was known of a place that is gone must not be told on.
            await self._load("places")

    async def _judge(self) -> None:
        """Find the worst stations, and since when; history is read once a change of level."""
        found = self.latest.worst(now_ms(self.health, self.wall_ms()))
        names = {place.key.path: place for place in self.latest.places}
        rows = []
        known: dict[tuple[str, str, int], answers.Since | None] = {}
        for worst in found:
            key = (worst.point.path, worst.point.indicator, worst.point.level)
            known[key] = self._since.get(key) or await self._held(worst)
            rows.append(answers.worst_row(worst, names.get(worst.point.path), known[key]))
        self._since = known
        self.worst = rows

    async def _held(self, worst: Worst) -> answers.Since | None:
        point = worst.point
        from_ms = point.end_ms - SINCE_BACK_MS

        def back(store: Store) -> list[Sample]:
            return store.history(
                point.path, point.indicator, from_ms, point.end_ms, SINCE_SAMPLES_MAX
            )

        return answers.since(await self.read(back), point.level)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._look_for_past()
            if not self.speaks:
                continue
            try:
                if self.ready:
                    await self._judge()
            except NoStoreError:
                continue
            at = clock(self.health, self.wall_ms(), self.past)
            body = {"now_ms": at["now_ms"], "seq": self.latest.seq, "clock": at,
                    "status": self.status()}
            self._send(frame("heartbeat", body))

    def status(self) -> answers.Json:
        """The status as of now."""
        trust = judge(self.health, self.wall_ms(), self.latest.stations(), self.past)
        return answers.status(trust, self.worst)

    def _send(self, data: bytes) -> None:
        for client in self._clients:
            self.dropped += client.put(data)

    def send_device(self, row: list[Any]) -> None:
        """Send what a device says of itself to every client, if its station is a public one."""
        if row[0] in self.latest.stations():
            self._send(frame("devices", {"devices": [row]}))

    @asynccontextmanager
    async def subscribe(self, after: int | None) -> AsyncIterator[Client]:
        """A client that gets everything after `after` (None: from now on).

        Raises `TooManyClientsError` and `NoStoreError`. A client too far behind is told to reload.
        """
        if len(self._clients) >= CLIENTS_MAX:
            raise TooManyClientsError
        if not self.speaks:
            raise NoStoreError(str(self._path))
        client = Client()
        if after is not None:
            await self._catch_up(client, after)
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)

    async def _catch_up(self, client: Client, after: int) -> None:
        """Queue what changed after `after`; until then the client is not sent anything else.

        So the ids it gets only grow, and each says that nothing before it is missing.
        """
        if after > self.latest.seq:
            client.put(frame("reload", {"why": "store"}))
        while after < self.latest.seq:
            changes = await self.read(partial(Store.changes, after=after))
            if len(changes.points) + len(changes.readings) > RESUME_ROWS_MAX:
                client.put(frame("reload", {"why": "behind"}))
                return
            for data in change_frames(changes, after):
                client.put(data)
            after = changes.seq
