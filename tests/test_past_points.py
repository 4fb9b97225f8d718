"""Points of a past through a process of their own: all kept, and told if not."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from cityvitals.past_points import PastPoints
from edge.places import PlaceKey
from engine.points import empty
from engine.vitals import Vitals
from ingest.store import Store, StoreError

START_S = 1_790_000_000 // 900 * 900


def _vitals() -> Vitals:
    vitals = Vitals(60)
    vitals.now_ns = START_S * 1_000_000_000
    return vitals


def test_what_is_handed_on_stands_in_the_store(tmp_path: Path) -> None:
    vitals, outlet = _vitals(), PastPoints(tmp_path / "store.db")
    for tick in range(3):
        vitals.registry.place(PlaceKey("city", "centre", f"s{tick}"))
        points = empty(tick + 1)
        points.place[:] = np.arange(tick + 1)
        points.end_s[:] = START_S + tick * 900
        points.value[:] = tick
        points.rev[:] = points.state[:] = 1
        outlet.points(points, vitals, vitals.now_ns // 1_000_000)
    outlet.close()
    store = Store.reader(tmp_path / "store.db")
    assert store.counts()["points"] == 6
    keys = [key.path for key in vitals.registry.keys if key.station]
    newest = {row.path: row.value for row in store.last()}
    store.close()
    assert set(newest) <= {key.path for key in vitals.registry.keys}
    assert len(keys) == 3


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    outlet = PastPoints(tmp_path / "missing" / "store.db")
    with suppress(StoreError):  # at the first or at a later one, as fast as the process ends
        outlet.points(empty(1), _vitals(), 0)
    with pytest.raises(StoreError, match="the store of the past: its process ended"):
        outlet.close()
