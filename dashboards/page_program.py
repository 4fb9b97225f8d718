"""The page as a program of its own: reads the store, and goes on when ingest is down."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from dashboards import server
from dashboards.devices import Devices
from dashboards.live import Feed
from edge.broker_settings import parse_url
from edge.settings import SettingsError

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def secret(env: str, file: str, name: str) -> str | None:
    """A secret from an environment variable or a file, None if neither is named.

    Raises `SettingsError` naming `{name}_env` or `{name}_file`, never the secret.
    """
    if env and file:
        raise SettingsError(f"give {name}_env or {name}_file, not both")
    if env:
        if not os.environ.get(env):
            raise SettingsError(f"{name}_env = {env!r}: no such environment variable, or empty")
        return os.environ[env]
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_file = {file!r}: {error}") from None
        if not text:
            raise SettingsError(f"{name}_file = {file!r}: the file is empty")
        return text
    return None


def _devices(broker_url: str | None, password: str | None) -> Devices | None:
    if broker_url is None:
        return None
    try:
        return Devices(parse_url(broker_url), password)
    except ValueError as error:
        raise SettingsError(f"broker_url = {broker_url!r}: {error}") from None


async def _serve(
    feed: Feed, devices: Devices | None, token: str | None, host: str, port: int,
    ready: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = server.application(feed, devices, token)
    tasks = [asyncio.create_task(feed.run())]
    if devices is not None:
        tasks.append(asyncio.create_task(devices.run(feed.send_device)))
    serving = asyncio.create_task(server.serve(app, host, port, stop, ready))
    try:
        # Whichever ends first: a task that fails must not leave a page that stands still.
        done, _ = await asyncio.wait([*tasks, serving], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        stop.set()
        await asyncio.gather(serving, return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run(
    store_path: Path, host: str = "127.0.0.1", port: int = 8080, broker_url: str | None = None,
    *, token_env: str = "", token_file: str = "", password_env: str = "",
    password_file: str = "", ready: Callable[[str], None] | None = None,
) -> int:
    """Serve the page until SIGINT or SIGTERM; the exit status.

    `port` 0 takes a free one. `broker_url` adds what devices say of themselves. An address
    other than loopback needs the reader token, as the name of an environment variable or file.
    0 stopped, 1 the address cannot be listened on, 2 the configuration is wrong.
    """
    try:
        token = secret(token_env, token_file, "token")
        if token is None and not server.is_loopback(host):
            raise SettingsError(
                f"host = {host!r}: an address other than loopback needs a reader token; "
                "name it with token_env or token_file"
            )
        devices = _devices(broker_url, secret(password_env, password_file, "password"))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    tell = ready or (lambda url: log.info("the page is at %s", url))
    try:
        asyncio.run(_serve(Feed(store_path), devices, token, host, port, tell))
    except server.ListenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
