"""What all families share: members, which series there are when, numbering of windows."""

import numpy as np
import pytest

from engine.air import AirDays
from engine.calendar import EPOCH_DAY
from engine.changed import Changed, of_level
from engine.daqi_hours import AirIndices
from engine.energy import DemandBlocks, DemandPeaks, DemandSliding
from engine.family import Family, anywhere, blank, spread
from engine.meters import Meters
from engine.power_minutes import PowerMinutes
from engine.quality import Completeness
from engine.registers import Registers
from engine.traffic import Segments, TrafficBins, TrafficDays
from tests.town import Reading, Town, at, row

MOMENT = at("2026-03-29 00:30")
"""In the night in which Berlin puts its clocks on, one hour before the change."""
ZONES = ("Europe/Berlin", "Asia/Kolkata", "America/New_York")


def families() -> list[Family]:
    """One of each, as the vital signs have them."""
    hours, segments, meters = AirIndices(), Segments(), Meters(Registers(), PowerMinutes())
    return [
        hours, AirDays(hours), TrafficBins(segments), TrafficDays(segments),
        DemandBlocks(meters), DemandSliding(meters), DemandPeaks(meters), Completeness(),
    ]


def town() -> Town:
    """A station in each of three zones that measures everything."""
    found = Town([
        row(f"d{k}", f"centre/s{k}", 60, tz=tz, posted_kmh=50) for k, tz in enumerate(ZONES)
    ])
    found.take(
        Reading(f"d{k}", quantity, MOMENT, 5.0)
        for k in range(3) for quantity in ("pm25", "speed", "power")
    )
    found.tick(MOMENT + 1)
    return found


@pytest.mark.parametrize("position", range(8))
def test_windows_tile_time(position: int) -> None:
    """Each minute of a week lies in one window: it begins where the one before it ends."""
    family = town().vitals.windows[position].family
    assert type(family) is type(families()[position])
    minutes = np.arange(MOMENT // 60 - 5040, MOMENT // 60 + 5040, dtype=np.int64)
    for member in range(3):
        rows = np.full(len(minutes), member, np.int64)
        windows = family.ordinal(rows, minutes)
        assert set(np.diff(windows).tolist()) <= {0, 1}
        assert (family.end_min(rows, windows - 1) <= minutes).all()
        assert (minutes < family.end_min(rows, windows)).all()


def test_days_of_each_zone() -> None:
    """US air quality days are in standard time, the others on the clock."""
    windows = town().vitals.windows
    members, minute = np.arange(3), np.full(3, MOMENT // 60)
    day = EPOCH_DAY + MOMENT // 86_400
    for position in (1, 3, 6):
        assert windows[position].family.ordinal(members, minute).tolist() == [day, day, day - 1]
    ends = {
        position: (windows[position].family.end_min(members, np.full(3, day)) * 60).tolist()
        for position in (1, 3)
    }
    midnight = (day + 1 - EPOCH_DAY) * 86_400
    assert ends[1] == [midnight - 3600, midnight - 19_800, midnight + 18_000]
    assert ends[3] == [midnight - 7200, midnight - 19_800, midnight + 14_400]


def test_a_series_is_there_from_its_first_reading_until_it_owes_nothing() -> None:
    rows = [row("m1", "centre/meter", 60), row("m2", "centre/meter", 60)]
    rows.append(row("m1", "centre/meter", 60, since="2026-03-02 12:00", status="retired"))
    found = Town(rows)
    ten = at("2026-03-02 10:00")
    found.take([Reading("m1", "power", ten + 90, 1.0), Reading("m2", "power", ten + 7300, 1.0)])
    found.tick(ten + 7400)
    members = found.vitals.windows[4].family.members
    start = np.arange(ten // 60 - 60, ten // 60 + 181, 60)
    live = members.live(np.zeros(len(start), np.int64), start, start + 60, found.vitals.panes)
    # From 09:00 to 14:00, by the hour: the first reading of the second comes at 12:01:40.
    assert live[:, :2].tolist() == [
        [False, False], [True, False], [True, False], [False, True], [False, True],
    ]


def test_members_keep_their_row_when_others_come() -> None:
    found = Town([row("b", "centre/b"), row("a", "centre/a"), row("a2", "centre/a")])
    found.take([Reading("b", "pm25", MOMENT, 1.0)])
    found.tick(MOMENT)
    members = found.vitals.windows[0].family.members
    first = members.places[0]
    found.take([Reading("a2", "pm25", MOMENT, 1.0), Reading("a", "pm25", MOMENT, 1.0)])
    found.tick(MOMENT + 60)
    assert members.places[0] == first
    assert (members.devices, members.table.shape) == (2, (2, 12))
    # Columns are in the order of device names: a has slot 2, a2 has slot 1.
    assert members.table[:, :2].tolist() == [[0, -1], [2, 1]]


def test_small_steps() -> None:
    members, windows = spread(np.array([4, 5]), np.array([10, 20]), 3)
    assert members.tolist() == [4, 4, 4, 5, 5, 5]
    assert windows.tolist() == [10, 11, 12, 20, 21, 22]
    rows = np.array([[3, 0, 7], [4, 0, 8], [3, 1, 9]], np.int32)
    changed = Changed(rows, np.zeros(2, np.int32))
    members, panes = of_level(changed, 3, np.array([6, -1], np.int32))
    assert (members.tolist(), panes.tolist()) == ([6], [7])
    result = blank(2, 3)
    assert np.isnan(result.value).all()
    assert (result.n.sum(), result.weight.tolist(), result.between.any()) == (0, [1, 1], False)
    assert anywhere(np.array([[False, True], [False, False]]), 1).tolist() == [True, False]
    assert anywhere(np.zeros((2, 0), np.bool_), 1).tolist() == [False, False]
