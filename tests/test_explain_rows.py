"""The parts of an explanation that are lists."""

import numpy as np
import pytest

from engine import points as columns
from engine.catalogue import INDICATORS, POSITION
from engine.recipes import RECIPES
from ingest.explain_rows import causes, stated, utc
from ingest.reconstruct import Known, Reconstruction
from ingest.store import Revision

SECOND = 1_000_000_000
AQI = POSITION["air.us_aqi"]


@pytest.mark.parametrize(("behind_s", "words"), [
    (30, "30 s late"), (3000, "50 min late"), (21_600, "6.0 h late"),
])
def test_a_cause_says_how_many_and_how_late(behind_s: int, words: str) -> None:
    built = Reconstruction(Known([], [], [], []), [], RECIPES["air.us_aqi"])
    times = np.array([[50 * SECOND, (50 - behind_s) * SECOND]] * 14, np.int64)
    built.late.append(times)
    before = Revision(0, 2, 50.0, 0, 51.0, 1, 1.0, 9, 40_000)
    after = Revision(0, 3, 51.0, 1, 52.0, 1, 1.0, 9, 60_000)
    first, second = causes([before, after], built)
    assert first["late"] == 0
    assert first["cause"].startswith("no late reading")
    assert second["cause"] == f"14 readings, up to {words}"


def test_a_point_in_words() -> None:
    points = columns.empty(1)
    points.value[0], points.level[0], points.n[0] = 120.0, 2, 7
    told = stated(INDICATORS[AQI], points)
    assert told is not None
    assert (told["value"], told["word"], told["colour"]) == (
        120.0, "Unhealthy for Sensitive Groups", "#FF7E00")
    points.level[0] = -1
    told = stated(INDICATORS[AQI], points)
    assert told is not None
    assert (told["value"], told["word"]) == (None, "insufficient")
    assert stated(INDICATORS[AQI], columns.empty(0)) is None


def test_times_for_people() -> None:
    assert utc(0) == "1970-01-01 00:00:00Z"
