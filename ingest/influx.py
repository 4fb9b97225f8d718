"""The InfluxDB sink: finished line batches wait in the spool until the server has them.

Two dialects, told apart by asking the server: `/api/v2/write` (1.8 and later, 2.x, 3.x) and
`/write` (1.6, 1.7). One thread sends the oldest batch and forgets it only on an answer 2xx:

- 2xx: stored.
- 400, 413, 422 in the server's own words: the batch is halved until the refused line stands
  alone; that line goes to the dead letters, the rest is stored. Sending a line twice is
  harmless, since the same series and time overwrite.
- everything else (no answer, 429, 5xx, but also 401, 403, 404): kept and tried again, later and
  later. The latter three are faults of the configuration: `status` says so until they are
  mended.

A killed server may have lost what it confirmed, so now and then it is asked when it began: if that
was after the last answer, the batches that the spool keeps are sent once more, in their order.
"""

import json
import logging
import os
import random
import re
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException

from edge.settings import SettingsError
from ingest.influx_began import METRICS_BYTES_MAX, began_ms
from ingest.lines import Batch
from ingest.settings_influx import InfluxSettings
from ingest.spool import Queued, Refused, Spool
from ingest.sqlite_file import StoreError

log = logging.getLogger(__name__)

BACKOFF_S = 0.5
BACKOFF_S_MAX = 30.0
LAST_S_MAX = 2.0
RETRY_AFTER_S_MAX = 300.0
IDLE_S_MAX = 1.0
ASK_S = 5.0
"""Between two questions when the server began, if none failed meanwhile."""
WORDS_MAX = 300
_PLAIN = "text/plain; charset=utf-8"
_UNANSWERED = (urllib3.exceptions.HTTPError, UnicodeDecodeError, OSError)
_MEND = {
    401: "is the password or token right?",
    403: "may this user or token write there?",
    404: "does the database or bucket, and the org, exist?",
}


class _LaterError(Exception):
    """Not stored for a reason that may pass; keep the batch."""

    def __init__(self, words: str, retry_after_s: float = 0.0, gone: bool = False) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s
        self.gone = gone
        """Nobody was there: neither an answer nor one that takes too long."""


class _RefusedError(Exception):
    """The server read the lines and will not take all of them; `dropped` of them, if it says."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        found = re.search(r"\bdropped=(\d+)", words)
        self.dropped = int(found[1]) if found else 0


class InfluxSink:
    """Sends what is in the spool, in a thread of its own. The spool belongs to the caller.

    Raises `SettingsError` if the address or the named secrets cannot be used.
    """

    def __init__(self, settings: InfluxSettings, spool: Spool, name: str = "influxdb") -> None:
        self._settings = settings
        self._spool = spool
        self._name = name
        self._server = _Server(settings)
        self._error = ""
        self._ok_ms = 0
        self._was_gone = True
        self._ask_at_s = 0.0
        self._wake = threading.Event()
        self._stop_at_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def write(self, batches: Iterable[Batch]) -> None:
        """Put batches into the spool; returns when they are there. Raises `StoreError`."""
        for batch in batches:
            self._spool.put(*batch)
        self._wake.set()

    def stop(self, flush_s: float) -> None:
        """Send what waits for at most `flush_s` more, then end; the rest stays in the spool.

        A request that is under way then is waited for `LAST_S_MAX`: its server may never answer.
        """
        self._stop_at_s = time.monotonic() + flush_s
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(flush_s + LAST_S_MAX)
        self._server.close()

    def status(self) -> dict[str, Any]:
        """The entry under `sinks` of the health object."""
        depth = self._spool.depth()
        ended = self._thread.ident is not None and not self._thread.is_alive()
        return {
            "name": self._name, "queued": depth.queued, "bytes": depth.bytes, "dead": depth.dead,
            "dropped": depth.dropped, "written": depth.written, "ok_ms": self._ok_ms,
            "since_ms": depth.since_ms,
            "error": self._error or ("the sender has ended" if ended else ""),
        }

    def _run(self) -> None:
        failures = 0
        while not self._is_over():
            try:
                self._look_who_answers()
                batch = self._spool.oldest()
                if batch is None:
                    if self._stop_at_s is not None:
                        return
                    self._wake.wait(IDLE_S_MAX)
                    self._wake.clear()
                    continue
                self._deliver(batch)
                failures = 0
            except (_LaterError, StoreError) as error:
                self._say(str(error))
                failures += 1
                self._ask_at_s = 0.0
                self._was_gone |= getattr(error, "gone", False)
                self._pause(_delay_s(failures, getattr(error, "retry_after_s", 0.0)))
                if self._stop_at_s is not None:
                    return

    def _look_who_answers(self) -> None:
        """Have the kept batches sent once more if the server began after it had confirmed them.

        One that does not tell when it began has begun anew if it could not be reached.
        """
        if self._ask_at_s > time.monotonic():
            return
        self._ask_at_s = time.monotonic() + ASK_S
        since_ms = self._server.began_ms()
        if since_ms is None:
            return
        if since_ms > self._spool.depth().since_ms or (self._was_gone and not since_ms):
            lines = self._spool.again(since_ms)
            log.info("%s: %s began anew; sends it once more the last %d lines that it confirmed",
                     self._name, self._settings.url, lines)
        self._was_gone = False

    def _is_over(self) -> bool:
        return self._stop_at_s is not None and time.monotonic() >= self._stop_at_s

    def _pause(self, delay_s: float) -> None:
        """Wait, but no longer than until told to stop."""
        end_s = time.monotonic() + delay_s
        while self._stop_at_s is None and (left_s := end_s - time.monotonic()) > 0:
            self._wake.wait(left_s)
            self._wake.clear()

    def _deliver(self, batch: Queued) -> None:
        lines = [line for line in batch.body.split(b"\n") if line]
        stored, refused = self._store(lines, batch.precision)
        self._spool.done(batch.id, len(stored), refused, b"\n".join(stored))
        self._ok_ms = time.time_ns() // 1_000_000
        self._say("")

    def _store(self, lines: list[bytes], precision: str) -> tuple[list[bytes], list[Refused]]:
        """Have the server store `lines`; returns those it has, and what it refuses and why."""
        if self._is_over():
            raise _LaterError("stopped before all was sent")
        if not lines:
            return [], []
        try:
            self._server.write(b"\n".join(lines), precision)
        except _RefusedError as refusal:
            # "dropped=N" of all N lines (beyond the retention, for example) needs no search.
            if len(lines) == 1 or refusal.dropped == len(lines):
                return [], [Refused(lines[0], str(refusal), len(lines))]
            half = len(lines) // 2
            first, second = (self._store(part, precision) for part in (lines[:half], lines[half:]))
            return first[0] + second[0], first[1] + second[1]
        return lines, []

    def _say(self, error: str) -> None:
        """Log when the state changes, not each try."""
        if bool(error) != bool(self._error):
            if error:
                log.warning("%s: %s; batches wait in the spool", self._name, error)
            else:
                log.info("%s: %s takes lines again", self._name, self._settings.url)
        self._error = error


def _delay_s(failures: int, retry_after_s: float) -> float:
    """Doubles with every failure, with jitter, and never less than the server asked for."""
    delay_s: float = min(BACKOFF_S * 2.0 ** min(failures - 1, 16), BACKOFF_S_MAX)
    asked_s = min(retry_after_s, RETRY_AFTER_S_MAX) * random.uniform(1.0, 1.1)  # noqa: S311
    return max(delay_s * random.uniform(0.5, 1.0), asked_s)  # noqa: S311


class _Server:
    """One InfluxDB and how to talk to it; its failures become `_LaterError`, `_RefusedError`."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        parts = urlsplit(settings.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(
                f"influx.url = {parts.scheme}://{parts.hostname or ''}: must be"
                " http://host:port or https://host:port")
        if parts.username or parts.password:
            raise SettingsError(
                "influx.url holds a user or password: use user and password_env, or token_env")
        token = _secret("token_env", settings.token_env) or _token_file(settings.token_file)
        basic = f"{settings.user}:{_secret('password_env', settings.password_env)}"
        by_user = bool(settings.user and not token)
        self._client = InfluxDBClient(
            settings.url, token=basic if by_user else token or None, auth_basic=by_user,
            org=settings.org, timeout=round(settings.timeout_s * 1000),
        )
        self._api = self._client.api_client
        self._version: tuple[int, int] | None = None

    def close(self) -> None:
        self._client.close()

    def write(self, body: bytes, precision: str) -> None:
        if self._version is None:
            self._version = self._ask_version()
        try:
            self._post(body, precision)
        except _LaterError:
            # The server may come back as another one.
            self._version = None
            raise

    def began_ms(self) -> int | None:
        """When the server began, 0 if it does not tell, None if it does not answer."""
        try:
            answer = self._api.call_api("/metrics", "GET", _preload_content=False)[0]
            try:
                return began_ms(answer.read(METRICS_BYTES_MAX))
            finally:
                answer.close()
        except ApiException:
            return 0
        except _UNANSWERED:
            return None

    def _ask_version(self) -> tuple[int, int]:
        """Version by `/ping`; a server that does not tell is taken for a new one."""
        try:
            headers = self._call("/ping", "GET")
        except ApiException as error:
            if error.status != 404:
                raise self._later(error) from None
            headers = {}
        found = re.match(r"v?(\d+)\.(\d+)", headers.get("X-Influxdb-Version") or "")
        version = (int(found[1]), int(found[2])) if found else (2, 0)
        log.info("%s: InfluxDB %s, writing by %s", self._settings.url,
                 headers.get("X-Influxdb-Version") or "of unknown version",
                 "/write" if version < (1, 8) else "/api/v2/write")
        return version

    def _call(self, path: str, method: str, **arguments: Any) -> Any:
        """One request; returns the headers. Raises ApiException, or `_LaterError` unanswered."""
        try:
            return self._api.call_api(path, method, **arguments)[2]
        except _UNANSWERED as error:
            raise self._unanswered(error) from None

    def _post(self, body: bytes, precision: str, may_create: bool = True) -> None:
        bucket = self._settings.bucket
        try:
            if self._version is not None and self._version < (1, 8):
                unit = {"ns": "n"}.get(precision, precision)
                self._call("/write", "POST", body=body, header_params={"Content-Type": _PLAIN},
                           query_params=[("db", bucket), ("precision", unit)])
            else:
                self._post_v2(body, precision)
        except ApiException as error:
            words = _words(error)
            if error.status == 413 or (error.status in (400, 422) and words):
                raise _RefusedError(f"{error.status}: {words}") from None
            is_old = self._version is not None and self._version < (2, 0)
            if error.status != 404 or not is_old or not may_create:
                raise self._later(error) from None
            self._create_database()
            self._post(body, precision, may_create=False)

    def _post_v2(self, body: bytes, precision: str) -> None:
        try:
            WriteService(self._api).post_write(
                org=self._settings.org, bucket=self._settings.bucket, body=body,
                precision=precision)
        except _UNANSWERED as error:
            raise self._unanswered(error) from None

    def _create_database(self) -> None:
        name = self._settings.bucket.replace("\\", "\\\\").replace('"', '\\"')
        try:
            self._call("/query", "POST", header_params={"Content-Type": _PLAIN}, body=b" ",
                       query_params=[("q", f'CREATE DATABASE "{name}"')])
        except ApiException as error:
            raise self._later(error) from None
        log.info("%s: made the database %s", self._settings.url, self._settings.bucket)

    def _unanswered(self, error: Exception) -> _LaterError:
        words = f"{self._settings.url}: {type(error).__name__}: {error}"
        slow = isinstance(getattr(error, "reason", error), urllib3.exceptions.TimeoutError)
        return _LaterError(words[:WORDS_MAX], gone=not slow)

    def _later(self, error: ApiException) -> _LaterError:
        after = (error.headers or {}).get("Retry-After") or ""
        hint = f" ({_MEND[error.status]})" if error.status in _MEND else ""
        words = _words(error) or error.reason or ""
        return _LaterError(
            f"{self._settings.url} answers {error.status}: {words}{hint}",
            float(after) if after.isdecimal() else 0.0)


def _words(error: ApiException) -> str:
    """What the server itself says; empty if the answer is not InfluxDB's (a proxy's page)."""
    try:
        body = json.loads(error.body or "")
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    words = str(body.get("message") or body.get("error") or "")
    match body.get("data"):
        case [{"error_message": str(first)}, *_]:  # 3.x says here what is wrong with a line
            words += f": {first}"
    return words[:WORDS_MAX]


def _secret(key: str, variable: str) -> str:
    """The value of the environment variable that `key` names."""
    if not variable:
        return ""
    value = os.environ.get(variable)
    if not value:
        raise SettingsError(f"influx.{key} = {variable!r}: no such environment variable is set")
    return value


def _token_file(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"influx.token_file = {file!r}: {error}") from None
