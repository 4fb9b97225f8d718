"""The page's HTTP server. The only file that imports aiohttp; it only ever reads.

Loopback needs no token, but then only loopback names are answered, so that a web page of
somebody else cannot reach it through a name of its own. Elsewhere each request brings the
reader token (`Authorization: Bearer …`, or as the password of the browser's own prompt).
"""

import asyncio
import base64
import binascii
import hmac
import ipaddress
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from dashboards import answers, metrics
from dashboards.devices import Devices
from dashboards.explanations import BusyError, Explanations, TooLongError, UnexplainedError
from dashboards.live import Feed, NoStoreError, TooManyClientsError
from dashboards.texts import STATIC
from dashboards.trust import now_ms
from edge.recorded import instant_ms
from engine.catalogue import POSITION
from ingest.store import Store

log = logging.getLogger(__name__)

HISTORY_SAMPLES_MAX = 2_000
HISTORY_DEFAULT_MS = 86_400_000
EVENTS_MAX = 200
SEND_TIMEOUT_S = 30
SHUTDOWN_S = 2.0
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Responder = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ListenError(Exception):
    """The address cannot be listened on; the text says which and why."""


class BadRequestError(Exception):
    """A request whose sender must correct it: the JSON body and the HTTP status."""

    def __init__(self, status: int, body: answers.Json) -> None:
        super().__init__(body["error"])
        self.status = status
        self.body = body


def _json(body: answers.Json, status: int = 200) -> web.Response:
    # msgspec writes NaN and infinity as null, and answers hold none.
    response = web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json",
        charset="utf-8",
    )
    response.enable_compression()
    return response


def is_loopback(host: str) -> bool:
    """True if `host`, a name or address without port, can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def token_of(header: str) -> str:
    """The token an Authorization header brings, by Bearer or as Basic's password, or ``."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        _, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password


@dataclass(frozen=True, slots=True)
class Page:
    """What the routes answer from."""

    feed: Feed
    devices: Devices | None
    token: str | None
    explanations: Explanations

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        return web.FileResponse(STATIC / "index.html")

    async def now(self, request: web.Request) -> web.StreamResponse:
        """Everything a page needs to draw itself."""
        if not self.feed.speaks:
            raise NoStoreError
        stations = self.feed.latest.stations()
        devices = self.devices.rows() if self.devices else ()
        rows = [row for row in devices if row[0] in stations]
        wall_ms = self.feed.wall_ms()
        return _json(answers.now(self.feed.latest, self.feed.health, wall_ms,
                                 self.feed.worst, rows, self.feed.data,
                                 past=self.feed.past))

    async def history(self, request: web.Request) -> web.StreamResponse:
        """Closed points of one place and indicator."""
        place, indicator = self._series(request)
        to_ms = _instant(request, "to", now_ms(self.feed.health, self.feed.wall_ms()))
        from_ms = _instant(request, "from", to_ms - HISTORY_DEFAULT_MS)
        if from_ms > to_ms:
            raise BadRequestError(400, answers.error("order", "from"))
        ask = partial(Store.history, path=place, indicator_key=indicator, from_ms=from_ms,
                      to_ms=to_ms, limit=HISTORY_SAMPLES_MAX)
        samples = await self.feed.read(ask)
        return _json(answers.history(place, indicator, from_ms, to_ms, samples))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """What happened at a place and in it, newest first: reports, restatements, silences."""
        if not self.feed.ready:
            raise NoStoreError
        place = request.query.get("place", "_/_")
        if not self.feed.latest.knows(place):
            raise BadRequestError(404, answers.error("place", "place", value=place))
        before_ms = _instant(request, "before", answers.TIME_MS_MAX)
        ask = partial(Store.events, limit=EVENTS_MAX, path=place, before_ms=before_ms)
        return _json(answers.events(place, await self.feed.read(ask), EVENTS_MAX))

    async def explain(self, request: web.Request) -> web.StreamResponse:
        """How a point came about, from the archive."""
        place, indicator = self._series(request)
        time_ms = _instant(request, "time", 0) if "time" in request.query else None
        try:
            return _json(await self.explanations.ask(place, indicator, time_ms))
        except UnexplainedError as error:
            status = 400 if error.field == "time" else 404
            body = {"error": str(error), "field": error.field}
            raise BadRequestError(status, body) from None
        except TooLongError:
            raise BadRequestError(504, answers.error("slow")) from None

    def _series(self, request: web.Request) -> tuple[str, str]:
        """Place and indicator that are asked for; refuses what there is not."""
        place, indicator = _asked(request, "place"), _asked(request, "indicator")
        if not self.feed.ready:
            raise NoStoreError
        if indicator not in POSITION:
            raise BadRequestError(404, answers.error("indicator", "indicator", value=indicator))
        if not self.feed.latest.knows(place):
            raise BadRequestError(404, answers.error("place", "place", value=place))
        return place, indicator

    async def health(self, request: web.Request) -> web.StreamResponse:
        """What ingest says of itself, and whether the data can be trusted."""
        if not self.feed.speaks:
            raise NoStoreError
        counts = {"clients": self.feed.clients, "dropped": self.feed.dropped}
        return _json(answers.health_answer(
            self.feed.health, self.feed.wall_ms(), self.feed.latest.stations(), counts,
            self.feed.data, self.feed.past))

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Prometheus text."""
        feed = self.feed
        text = metrics.render(feed.health, feed.wall_ms(), feed.latest.stations(), feed.clients,
                              feed.dropped, self.devices.refused if self.devices else 0)
        return web.Response(body=text.encode(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events from `Last-Event-ID` (or `after`) on."""
        after = _number(request)
        async with self.feed.subscribe(after) as client:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream",
                                                   "X-Accel-Buffering": "no"})
            await response.prepare(request)
            # A browser comes back by itself: each after a time of its own, or all at once.
            await response.write(f"retry: {random.randint(*RETRY_MS)}\n\n".encode())  # noqa: S311
            stopping = request.app[STOPPING]
            while not stopping.is_set():
                data = await client.next()
                try:
                    await asyncio.wait_for(response.write(data), SEND_TIMEOUT_S)
                except (TimeoutError, ConnectionError):
                    break
        return response


RETRY_MS = 1_000, 5_000
"""Between these a browser is told to wait before it asks for live events again."""
STOPPING = web.AppKey("stopping", asyncio.Event)


def _asked(request: web.Request, name: str) -> str:
    text = request.query.get(name, "")
    if not text:
        raise BadRequestError(400, answers.error("missing", name, name=name))
    return text


def _instant(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    try:
        value = instant_ms(text)
    except (ValueError, OverflowError):
        raise BadRequestError(400, answers.error("time", name, value=text)) from None
    if not 0 <= value <= answers.TIME_MS_MAX:
        raise BadRequestError(400, answers.error("time", name, value=text))
    return value


def _number(request: web.Request) -> int | None:
    name = "Last-Event-ID" if "Last-Event-ID" in request.headers else "after"
    text = request.headers.get("Last-Event-ID") or request.query.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequestError(400, answers.error("number", name, value=text))
    return int(text)


def _guard(page: Page, request: web.Request) -> web.StreamResponse | None:
    """The refusal of a request that may not read, or None."""
    if page.token is None:
        host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
        return None if is_loopback(host) else _json(answers.error("host", "Host"), 403)
    brought = token_of(request.headers.get("Authorization", ""))
    if hmac.compare_digest(brought.encode(), page.token.encode()):
        return None
    refusal = _json(answers.error("token", "Authorization"), 401)
    refusal.headers["WWW-Authenticate"] = 'Basic realm="Cityvitals", charset="UTF-8"'
    return refusal


def application(feed: Feed, devices: Devices | None = None, token: str | None = None
                ) -> web.Application:
    """The routes over `feed`. Without `token` only loopback names are answered."""
    page = Page(feed, devices, token, Explanations(feed.folder))

    @web.middleware
    async def errors(request: web.Request, handler: Responder) -> web.StreamResponse:
        refusal = _guard(page, request)
        if refusal is not None:
            return refusal
        try:
            return await handler(request)
        except BadRequestError as error:
            return _json(error.body, error.status)
        except NoStoreError:
            return _retry("no_store")
        except (TooManyClientsError, BusyError) as error:
            return _retry(error.code)
        except web.HTTPException as error:
            return _json(answers.error(f"http_{error.status}", value=request.path), error.status)

    async def secure(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)

    app = web.Application(middlewares=[errors])
    app[STOPPING] = asyncio.Event()

    async def stopped(app: web.Application) -> None:
        page.explanations.close()

    app.on_cleanup.append(stopped)
    app.on_response_prepare.append(secure)
    app.router.add_get("/", page.index)
    app.router.add_get("/api/now", page.now)
    app.router.add_get("/api/history", page.history)
    app.router.add_get("/api/explain", page.explain)
    app.router.add_get("/api/events", page.events)
    app.router.add_get("/api/health", page.health)
    app.router.add_get("/api/live", page.live)
    app.router.add_get("/metrics", page.metrics)
    app.router.add_static("/static", STATIC)
    return app


def _retry(code: str) -> web.Response:
    response = _json(answers.error(code), 503)
    response.headers["Retry-After"] = "2"
    return response


async def serve(
    app: web.Application, host: str, port: int, stop: asyncio.Event,
    ready: Callable[[str], Any],
) -> None:
    """Serve until `stop`; `ready` gets the URL. Raises `ListenError`."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ListenError(f"{host}:{port}: {error.strerror or error}") from error
        address = runner.addresses[0]
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        ready(f"http://{shown}:{address[1]}")
        await stop.wait()
        app[STOPPING].set()
    finally:
        await runner.cleanup()
