"""Files of each kind damaged, cut or with flipped bits: ingest starts and goes on.

What can be made again is as it was (snapshot, store); what cannot is named (archive, spool). Each
kind alone is tested beside its source file; the outbox in `tests/test_outbox_salvage.py`.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ingest.influx import InfluxSink
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from ingest.store import Store
from tests.brokers import free_port
from tests.line_city import MINUTE_MS, MS, START_MS, message, single, write_places
from tests.live_ingest import LiveIngest, until

HOURS = 4
LOST_MS = 30 * MINUTE_MS
"""The damage to the archive lies in its last half hour."""


def live(folder: Path) -> tuple[int, dict[tuple[str, int], float]]:
    """Some hours of one station; returns the readings, and the points that damage cannot touch."""
    write_places(folder / "places.csv")
    spool = Spool.create(folder / "spool.db")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store, InfluxSink(InfluxSettings(), spool)), 60)
    line.open()
    line.load_places(folder / "places.csv", START_MS * MS)
    rng = random.Random(4)
    for minute in range(HOURS * 60):
        at_ms = START_MS + minute * MINUTE_MS
        line.take([message("d1", single(minute + 1, rng.uniform(1, 90), at_ms), at_ms)],
                  at_ms * MS)
        line.tick((at_ms + 30_000) * MS, with_open=False)
    line.close()
    before = sure(store)
    store.close()
    spool.close()
    return HOURS * 60, before


def sure(store: Store) -> dict[tuple[str, int], float]:
    """Points of windows that ended before what is lost."""
    end_ms = START_MS + HOURS * 60 * MINUTE_MS - LOST_MS
    return {
        (indicator, row.end_ms): row.value
        for indicator in sorted({last.indicator for last in store.last()})
        for row in store.history("centre/s1", indicator, 0, end_ms, 100_000)
    }


def cut(path: Path, share: float) -> None:
    """The file ends there."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flipped(path: Path, share: float) -> None:
    """From there on a bit of every hundredth byte is another."""
    data = bytearray(path.read_bytes())
    for at in range(int(len(data) * share), len(data), 100):
        data[at] ^= 1 << at % 8
    path.write_bytes(data)


def told(ingest: LiveIngest) -> dict[str, Any]:
    """Its health; the file is opened anew, for the damaged one may have been set aside since."""
    ingest._close()
    with suppress(FileNotFoundError):  # between the old one and the new one
        return ingest.health() or {}
    return {}


@pytest.mark.parametrize(("names", "damage"), [
    (("store.db", "spool.db"), cut), (("store.db",), flipped),
    (("ingest/snapshot.cvs", "ingest/archive/2026-09-21.cva"), cut),
    (("ingest/snapshot.cvs", "ingest/archive/2026-09-21.cva"), flipped),
])
def test_ingest_goes_on_and_names_what_is_lost(
    tmp_path: Path, names: tuple[str, ...], damage: Callable[[Path, float], None]
) -> None:
    written, before = live(tmp_path)
    assert len(before) > 10
    for name in names:
        damage(tmp_path / name, 0.97 if name.endswith(".cva") else 0.3)
    ingest = LiveIngest(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    with ingest.config.open("a") as config:
        config.write(f'[influx]\nurl = "http://127.0.0.1:{free_port()}"\n')
    try:
        ingest.start()
        until(lambda: "disk" in told(ingest), "it is there")
        health = told(ingest)
        archived = sum(health["verdicts"].values())
        if len(names) == 2 and names[1].endswith(".cva"):
            assert written * 8 // 10 < archived < written
        else:
            assert archived == written
        aside = " ".join(health["set_aside"])
        for name in names:
            assert f"{name}.damaged-" in aside or f"{name.removesuffix('.cva')}.tail-" in aside
            assert name.rpartition("/")[2] in ingest.log()
        assert sure(ingest.store) == before
        assert ingest.stop() == 0, ingest.log()
    finally:
        ingest.kill()
