"""What the loops of other clients keep: rolling means in dicts, after decoding with msgspec."""

import msgspec

MINUTE_MS = 60_000
MINUTES = 64
"""As many minutes of each series as ingest keeps in its ring."""


class Reading(msgspec.Struct):
    """A single or a block of our wire format, typed, which is how msgspec decodes fastest."""

    e: int
    s: int
    q: str
    t: int = 0
    v: float | list[float] = 0.0
    t0: int = 0
    dt: list[int] = []


decode = msgspec.json.Decoder(Reading).decode


class RollingMeans:
    """Count, sum, least and greatest value of each minute of each series."""

    def __init__(self) -> None:
        self.minutes: dict[tuple[str, str], dict[int, list[float]]] = {}
        self.readings = 0

    def take(self, topic: str, payload: bytes) -> int:
        """Decode a message and add its readings; returns how many have been added so far."""
        message = decode(payload)
        key = (topic, message.q)
        panes = self.minutes.get(key)
        if panes is None:
            panes = self.minutes[key] = {}
        value = message.v
        if isinstance(value, list):
            for offset, one in zip(message.dt, value, strict=True):
                _add(panes, (message.t0 + offset) // MINUTE_MS, one)
            self.readings += len(value)
        else:
            _add(panes, message.t // MINUTE_MS, value)
            self.readings += 1
        return self.readings

    def mean(self, topic: str, quantity: str) -> float:
        """The mean over the minutes that are kept of a series."""
        panes = self.minutes[topic, quantity].values()
        return sum(pane[1] for pane in panes) / sum(pane[0] for pane in panes)


def _add(panes: dict[int, list[float]], minute: int, value: float) -> None:
    pane = panes.get(minute)
    if pane is None:
        if len(panes) >= MINUTES:
            del panes[min(panes)]
        panes[minute] = [1, value, value, value]
        return
    pane[0] += 1
    pane[1] += value
    if value < pane[2]:
        pane[2] = value
    if value > pane[3]:
        pane[3] = value
