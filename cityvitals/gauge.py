"""Reads for `up` how ingest is doing, from the embedded store."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ingest.store import Store, StoreError

HEALTH_AGE_MS_MAX = 5_000
"""Health older than this counts as: ingest has stopped."""


class Vitals(NamedTuple):
    """Ingest's counts now; zeros and None before it wrote any in this run."""

    readings: int = 0
    readings_per_s: float = 0.0
    points: int = 0
    places: int = 0
    oldest_s: float | None = None
    clock: str = ""
    trouble: tuple[str, ...] = ()


@dataclass(slots=True)
class Gauge:
    """Asks the store at `path`; what was written before `since_ms` is of an earlier run."""

    path: Path
    since_ms: int
    _store: Store | None = None

    def _health(self) -> tuple[dict[str, Any] | None, int]:
        """The health of this run, and the number of stations. (None, 0) if there is no store."""
        try:
            if self._store is None:
                self._store = Store.reader(self.path)
            health = self._store.health()
            places = sum(row.key.scope == "station" for row in self._store.places())
        except StoreError:
            self._store = None
            return None, 0
        if health is None or health["at_ms"] < self.since_ms:
            return None, places
        return health, places

    def connected(self, now_ms: int) -> bool:
        """True if ingest runs and its session with the broker stands."""
        health, _ = self._health()
        return (
            health is not None and now_ms - health["at_ms"] <= HEALTH_AGE_MS_MAX
            and bool(health["broker"]["connected"])
        )

    def read(self, now_ms: int) -> Vitals:
        """What ingest counts, and what is wrong with it."""
        health, places = self._health()
        if health is None:
            return Vitals(places=places)
        clock = health["clock"]
        recorded = clock["kind"] == "recorded"
        return Vitals(
            health["received"], health["readings_per_s"], health["points"], places,
            health["oldest_s"] if health["received"] else None,
            _instant(clock["now_ms"]) if recorded else "", tuple(_trouble(health, now_ms)),
        )


def _instant(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _trouble(health: dict[str, Any], now_ms: int) -> list[str]:
    age_ms = now_ms - health["at_ms"]
    if age_ms > HEALTH_AGE_MS_MAX:
        return [f"ingest has said nothing for {age_ms / 1000:.0f} s"]
    if health["disk"]["error"]:
        return [f"nothing is taken in: {health['disk']['error']}"]
    found = []
    if not health["broker"]["connected"]:
        found.append("ingest has no session with the broker")
    found += [
        f"{sink['name']}: {sink['error']}, {sink['queued']} waiting"
        for sink in health["sinks"] if sink["error"]
    ]
    if health["held"]:
        found.append(f"{len(health['held'])} unknown devices wait for `cityvitals place add`")
    return found
