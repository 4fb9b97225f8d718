"""The simulated city's past, made before it goes live: its last 35 days, or since the last run.

The ingest of `up` begins with it; it prints its progress in percent, a line each.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cityvitals.place import FILE, write
from dashboards import beginning
from edge import places
from edge.facts import render
from edge.places import PlaceRow
from edge.settings import load
from ingest.facts_in_force import FILE as FACTS
from ingest.folder_lock import held
from ingest.settings_ingest import IngestSettings
from ingest.store import Store, StoreError
from simulators.city import City
from simulators.districts import facts

PAST_MS = 35 * 86_400_000
FINE_MS = 2 * 86_400_000
"""The last two days are finer."""
KEPT_MS = PAST_MS + 8 * 86_400_000
PERCENT_STEP = 1.0


def last_ms(store_path: Path) -> int | None:
    """Time of the newest reading in the store; None if there is no store or no reading."""
    try:
        store = Store.reader(store_path)
        times = [row.time_ms for row in store.readings()]
        store.close()
    except StoreError:
        return None
    return max(times, default=None)


def _only_period(row: PlaceRow, before: PlaceRow) -> bool:
    """True if `row` says nothing new but how often the device reports."""
    return replace(row, valid_from_ms=before.valid_from_ms, period_s=before.period_s) == before


def _kept(rows: list[PlaceRow], start_ms: int, now_ms: int) -> list[PlaceRow]:
    """Rows of one device, in time order, that are still needed.

    A period dated after `start_ms` is of a run that ended before it had any readings; a row that
    another replaced before any window began that can still change is history.
    """
    kept: list[PlaceRow] = []
    for row in rows:
        if kept and row.valid_from_ms > start_ms and _only_period(row, kept[-1]):
            continue
        if row.valid_from_ms <= now_ms - KEPT_MS:
            kept.clear()
        kept.append(row)
    return kept


def dated(rows: list[PlaceRow], city: City, start_ms: int, now_ms: int) -> list[PlaceRow]:
    """Places for a past from `start_ms` and a present from `now_ms`, added to `rows`.

    What a person changed (moved, renamed, retired, added) stays: only periods are dated anew.
    """
    by_device: dict[str, list[PlaceRow]] = {}
    for row in rows:
        by_device.setdefault(row.device, []).append(row)
    by_device = {device: _kept(own, start_ms, now_ms) for device, own in by_device.items()}
    fine_ms = max(start_ms, now_ms - FINE_MS)
    for row in city.place_rows(start_ms, fine_ms, now_ms):
        own = by_device.setdefault(row.device, [])
        known = own[-1] if own else row
        if own and own[-1].valid_from_ms == row.valid_from_ms:
            own.pop()
        own.append(replace(known, valid_from_ms=row.valid_from_ms, period_s=row.period_s))
    every = [row for own in by_device.values() for row in own]
    return sorted(every, key=lambda row: row.valid_from_ms)


def know(folder: Path) -> None:
    """Write the facts of simville, unless there are any: what a person knows of it stays."""
    if not (folder / FACTS).exists():
        (folder / FACTS).write_text(render(facts()), encoding="utf-8")


def live(config: Path, seed: int) -> None:
    """Make the past of the simulated city up to now, for the ingest that `config` describes."""
    settings = load(config, IngestSettings)
    folder = config.parent / settings.data
    with held(folder / "ingest"):
        print("0%", flush=True)
        # Takes a second or two. Until now is later then, and the fleet has begun.
        from cityvitals.backfill import backfill

        now_ms = time.time_ns() // 1_000_000
        city = City(seed)
        start_ms = max(last_ms(folder / "store.db") or 0, now_ms - PAST_MS)
        path = folder / FILE
        rows = places.load(path) if path.exists() else []
        write(path, dated(rows, city, start_ms, now_ms))
        know(folder)
        backfill(folder, city, start_ms, now_ms, _said(folder), influx=settings.influx is not None)


def _said(folder: Path) -> Callable[[float], None]:
    said = 0.0

    def progress(done: float) -> None:
        nonlocal said
        if done == 1.0 or done * 100 >= said + PERCENT_STEP:
            said = done * 100
            beginning.tell(folder, done)
            print(f"{said:.0f}%", flush=True)

    return progress
