"""State built again from the archive: what counted, what did not, what was contested."""

from pathlib import Path

import pytest

from engine.recipes import RECIPES
from ingest.reconstruct import Reconstruction, StoppedError, known_at
from tests.explained_city import HOUR_MS, START_MS, troubled

MS = 1_000_000
NEVER = 1 << 62


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of a day with readings that were left out."""
    return troubled(tmp_path_factory.mktemp("trouble")) / "ingest" / "archive"


def of_station(archive: Path, station: str) -> Reconstruction:
    known = known_at(archive, NEVER)
    keys = [key for key in known.keys if key.station == station]
    return Reconstruction(known, keys, RECIPES["dq.completeness"])


def fill(built: Reconstruction, archive: Path, *, stop: bool = False) -> Reconstruction:
    return built.filled(archive, START_MS * MS, (START_MS + HOUR_MS) * MS, NEVER, lambda: stop)


def test_the_archive_knows_places_and_series(archive: Path) -> None:
    known = known_at(archive, NEVER)
    assert known.devices == ["d1", "d2", "d3"]
    assert {row.device for row in known.rows} == set(known.devices)
    assert len(known.series) == 3


def test_only_the_stations_asked_for_are_built(archive: Path) -> None:
    built = fill(of_station(archive, "s2"), archive)
    assert len(built.vitals.registry.series) == 1
    assert built.listed[0].count == 40
    assert not built.left_out


def test_contested_readings_count_once_with_what_stands(archive: Path) -> None:
    first = of_station(archive, "s1")
    first.replay(archive, START_MS * MS, (START_MS + HOUR_MS) * MS, NEVER, lambda: False)
    assert len(first.lost) == 5
    built = fill(of_station(archive, "s1"), archive)
    assert built is not first
    assert built.listed[0].count == 60
    assert built.listed[0].high == 59.0
    reasons = {reason.reason: count for reason, count in built.left_out.items()}
    assert reasons == {"refused_impossible": 1, "duplicate": 1, "conflict": 5}


def test_a_series_that_was_there_before_has_begun(archive: Path) -> None:
    built = of_station(archive, "s2")
    built = built.filled(archive, (START_MS + 45 * 60_000) * MS, (START_MS + 50 * 60_000) * MS,
                         NEVER, lambda: False)
    assert 0 not in built.listed
    assert built.vitals.panes.first_min[0] * 60_000 < START_MS + 45 * 60_000


def test_it_can_be_stopped(archive: Path) -> None:
    with pytest.raises(StoppedError):
        fill(of_station(archive, "s1"), archive, stop=True)
