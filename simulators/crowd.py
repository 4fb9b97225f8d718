"""Load: a city of any size on a few connections, from columns straight to bytes.

Districts of simville are repeated until there are as many series as asked for. Each device sends a
device block a period: its bytes are a template, of which only time, number and values change, each
in a field of fixed width. No object is made for a reading. QoS 0, no outbox, no acknowledgements:
what counts here is how much, the agents are for how safely.
"""

import logging
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow, render
from edge.settings import SettingsError
from edge.stopping import Stopping
from edge.topics import readings as readings_topic
from simulators import signals
from simulators.city import City, period_ms
from simulators.districts import Station
from simulators.signals import Floats

SERIES_MAX = 200_000
CONNECTIONS = 4
VALUE_WIDTH = 8
NUMBER_WIDTH = 10
FIRST_NUMBER = 1_000_000_000
"""Numbers of messages have ten digits from the first on: a field of fixed width."""
STALL_S_MAX = 20.0
SHOW_S = 10.0
QUANTITIES_LEFT_OUT = ("energy", "generation")
"""Registers grow beyond a field of fixed width."""

Bytes = npt.NDArray[np.uint8]
log = logging.getLogger(__name__)


class Group(NamedTuple):
    """Devices whose frames have one length: those that copy the same station.

    station: the one that is copied. frames: uint8[devices, length]. time_at, number_at: columns
    of these fields. value_at: int64[quantities], columns of the values. columns: int64[quantities],
    of what the city measures. own: float64[devices, quantities], factor of each series.
    """

    station: Station
    frames: Bytes
    time_at: int
    number_at: int
    value_at: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    own: Floats


def digits(numbers: npt.NDArray[np.int64], width: int) -> Bytes:
    """uint8[n, width]: decimal digits of numbers that have exactly so many."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + 48).astype(np.uint8)


def decimals(values: Floats) -> Bytes:
    """uint8[n, 8]: numbers of JSON of one width, such as `   12.34`: blanks, up to 9999.99."""
    hundredths = np.rint(np.clip(np.abs(values), 0.0, 9999.99) * 100).astype(np.int64)
    out = np.full((len(values), VALUE_WIDTH), 32, np.uint8)
    whole = digits(hundredths // 100, 4)
    leading = np.cumsum(whole != 48, axis=1) == 0
    leading[:, 3] = False
    out[:, 1:5] = np.where(leading, 32, whole)
    out[:, 5] = 46
    out[:, 6:8] = digits(hundredths % 100, 2)
    first = np.argmax(out != 32, axis=1)
    below = np.nonzero((values < 0) & (hundredths > 0))[0]
    out[below, first[below] - 1] = 45
    return out


def _remaining(length: int) -> bytes:
    out = b""
    while True:
        length, part = divmod(length, 128)
        out += bytes([part | (128 if length else 0)])
        if not length:
            return out


def frame(topic: str, quantities: list[str], epoch: int) -> tuple[bytes, int, int, list[int]]:
    """A PUBLISH of a device block with blank fields, and where these are."""
    head = f'{{"e":{epoch},"s":'.encode()
    body = head + b"0" * NUMBER_WIDTH + b',"t":' + b"0" * 13 + b',"m":{'
    time_at = len(head) + NUMBER_WIDTH + 5
    value_at = []
    for i, name in enumerate(quantities):
        body += (b"," if i else b"") + f'"{name}":'.encode()
        value_at.append(len(body))
        body += b" " * VALUE_WIDTH
    body += b"}}"
    named = topic.encode()
    fixed = b"\x30" + _remaining(2 + len(named) + len(body))
    start = fixed + len(named).to_bytes(2, "big") + named
    at = len(start)
    return start + body, at + len(head), at + time_at, [at + value for value in value_at]


class Crowd:
    """A city of at least `series` series; the same seed gives the same bytes."""

    def __init__(self, city: City, series: int, epoch: int = 1) -> None:
        """Raises `SettingsError` beyond `SERIES_MAX`."""
        if not 1 <= series <= SERIES_MAX:
            raise SettingsError(f"--series {series}: must lie between 1 and {SERIES_MAX}")
        self.city = city
        first = 0
        wanted: list[tuple[Station, list[str], list[int]]] = []
        for station in city.stations:
            kept = [(q, first + i) for i, q in enumerate(station.quantities)
                    if q not in QUANTITIES_LEFT_OUT]
            wanted.append((station, [q for q, _ in kept], [at for _, at in kept]))
            first += len(station.quantities)
        self.copies = -(-series // sum(len(names) for _, names, _ in wanted))
        self.series = self.copies * sum(len(names) for _, names, _ in wanted)
        self.groups = [self._group(*one, epoch) for one in wanted]

    def _group(
        self, station: Station, names: list[str], columns: list[int], epoch: int
    ) -> Group:
        frames = []
        for copy in range(self.copies):
            topic = readings_topic(
                self.city.name, f"{station.district}-{copy:04}", station.station,
                f"{station.device}-{copy:04}",
            )
            bytes_, number_at, time_at, value_at = frame(topic, names, epoch)
            frames.append(np.frombuffer(bytes_, np.uint8))
        keys = signals.keys(self.city.seed, f"crowd {station.device}", len(names))
        lot = signals.uniform(signals.hashed(keys, np.arange(self.copies, dtype=np.int64)))
        return Group(
            station, np.stack(frames), time_at, number_at, np.array(value_at, np.int64),
            np.array(columns, np.int64), 0.9 + 0.2 * lot,
        )

    def messages(self, time_ms: int, number: int, period_s: float) -> list[Bytes]:
        """The frames of all devices at one time: uint8[devices, length] of each group."""
        value = self.city.values(np.array([time_ms], np.int64), period_s)[0]
        stamp = digits(np.array([time_ms], np.int64), 13)[0]
        count = digits(np.array([FIRST_NUMBER + number], np.int64), NUMBER_WIDTH)[0]
        for group in self.groups:
            group.frames[:, group.time_at : group.time_at + 13] = stamp
            group.frames[:, group.number_at : group.number_at + NUMBER_WIDTH] = count
            for i, at in enumerate(group.value_at.tolist()):
                bent = value[group.columns[i]] * group.own[:, i]
                group.frames[:, at : at + VALUE_WIDTH] = decimals(np.rint(bent * 100) / 100)
        return [group.frames for group in self.groups]

    def places(self, start_ms: int, period_s: float) -> str:
        """The places file of all devices."""
        rows: list[PlaceRow] = []
        for row in self.city.place_rows(start_ms, start_ms, start_ms, period_s)[-72:]:
            rows += [
                replace(row, district=f"{row.district}-{copy:04}",
                        device=f"{row.device}-{copy:04}")
                for copy in range(self.copies)
            ]
        return render(rows)


def connect(url: str, client: str) -> socket.socket:
    """A session of MQTT 3.1.1 for publishing at QoS 0. Raises `SettingsError`."""
    parts = urlsplit(url)
    if parts.scheme != "mqtt" or not parts.hostname or parts.username:
        raise SettingsError(f"--broker {url}: with --series write mqtt://host:port")
    try:
        link = socket.create_connection((parts.hostname, parts.port or 1883), STALL_S_MAX)
        name = client.encode()
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
        link.sendall(b"\x10" + _remaining(len(body)) + body)
        answer = link.recv(4)
    except OSError as error:
        raise SettingsError(f"--broker {url}: {error}") from None
    if answer[:2] != b"\x20\x02" or answer[3:4] != b"\x00":
        raise SettingsError(f"--broker {url}: refused the connection ({answer.hex()})")
    return link


def run(
    broker_url: str, places: Path, crowd: Crowd, period_s: float, stopping: Stopping,
) -> int:
    """Publish until `stopping`; the exit status: 1 if the broker went away."""
    step = period_ms(period_s)
    now_ms = time.time_ns() // 1_000_000
    try:
        places.write_text(crowd.places(now_ms // step * step, period_s), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--places {places}: {error.strerror}") from None
    links = [connect(broker_url, f"cityvitals-crowd-{k}") for k in range(CONNECTIONS)]
    log.info("%d series of %d devices on %d connections; places in %s", crowd.series,
             72 * crowd.copies, CONNECTIONS, places)
    number, shown_s, busy_s = 0, time.monotonic(), 0.0
    try:
        while not stopping.wait(max(0.0, (step - time.time_ns() // 1_000_000 % step) / 1000)):
            begun_s = time.monotonic()
            at_ms = time.time_ns() // 1_000_000 // step * step
            for k, frames in enumerate(crowd.messages(at_ms, number, period_s)):
                links[k % CONNECTIONS].sendall(frames.data)
            number += 1
            busy_s += time.monotonic() - begun_s
            if time.monotonic() - shown_s >= SHOW_S:
                log.info("%d rounds of %d readings, %.0f ms each", number, crowd.series,
                         1000 * busy_s / number)
                shown_s = time.monotonic()
    except OSError as error:
        log.error("%s: %s", broker_url, error)
        return 1
    finally:
        for link in links:
            link.close()
    return 0
