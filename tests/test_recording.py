"""A recording in memory: order, devices, refusals."""

import gzip
from pathlib import Path

import pytest

from edge.places import PlaceRow
from edge.recorded import RecordedError
from simulators import recording, sample_city

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS


def place(device: str, since_ms: int, station: str = "s1", status: str = "active") -> PlaceRow:
    return PlaceRow(
        since_ms, "c", "d", station, device, device, 0.0, 0.0, "UTC", 60.0, status=status
    )


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("time,place,quantity,value,unit,channel,flag,received", *lines)))
    return path


def test_rows_are_sorted_by_receive_time_and_keep_what_they_carry(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv",
        f"{START_MS + 5000},d/s1,pm25,3,,,,{START_MS + 9000}",
        f"{START_MS + 2000},d/s1,pm25,1,mg/m3,left,3,{START_MS + 8000}",
        f"{START_MS + 1000},d/s1,no2,2,,,,",
    )
    table = recording.load(path, [place("a", START_MS)])
    assert table.value.tolist() == [2.0, 1.0, 3.0]
    assert table.received_ms.tolist() == [START_MS + 1000, START_MS + 8000, START_MS + 9000]
    assert [table.words[q] for q in table.quantity] == ["no2", "pm25", "pm25"]
    assert [table.words[u] for u in table.unit] == ["", "mg/m3", ""]
    assert [table.words[c] for c in table.channel] == ["", "left", ""]
    assert table.flag.tolist() == [0, 3, 0]


def test_the_active_device_of_that_time_is_found(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv",
        *(f"{START_MS + day * DAY_MS},d/s1,pm25,{day}" for day in range(6)),
    )
    rows = [
        place("old", START_MS - DAY_MS),
        place("old", START_MS + 2 * DAY_MS, status="retired"),
        place("new", START_MS + 2 * DAY_MS),
        place("newer", START_MS + 4 * DAY_MS),
        place("elsewhere", START_MS, station="s2"),
    ]
    table = recording.load(path, rows)
    names = [table.devices[row].device for row in table.device]
    assert names == ["old", "old", "new", "new", "newer", "newer"]
    assert [row.device for row in table.devices] == ["old", "new", "newer", "elsewhere"]


def test_a_reading_without_a_device_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", f"{START_MS},d/s1,pm25,1", f"{START_MS},d/s9,pm25,1")
    with pytest.raises(RecordedError, match=r"line 3: place = 'd/s9': no active device"):
        recording.load(path, [place("a", START_MS)])
    early = write(tmp_path / "e.csv", f"{START_MS - 1},d/s1,pm25,1")
    with pytest.raises(RecordedError, match=r"line 2: place = 'd/s1'"):
        recording.load(early, [place("a", START_MS)])


def test_a_device_that_moves_within_the_recording_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv", f"{START_MS},d/s1,pm25,1", f"{START_MS + DAY_MS},d/s2,pm25,1"
    )
    rows = [place("a", START_MS), place("a", START_MS + DAY_MS, station="s2")]
    with pytest.raises(RecordedError, match="'a' stands at d/s1 and later at d/s2"):
        recording.load(path, rows)


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(b"time,place,quantity,value\n"))
    with pytest.raises(RecordedError, match="holds no readings"):
        recording.load(path, [place("a", START_MS)])


def test_the_bound_on_rows_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "r.csv", *(f"{START_MS + i},d/s1,pm25,1" for i in range(3)))
    monkeypatch.setattr(recording, "ROWS_MAX", 3)
    assert len(recording.load(path, [place("a", START_MS)])) == 3
    monkeypatch.setattr(recording, "ROWS_MAX", 2)
    with pytest.raises(RecordedError, match="more than 2 rows"):
        recording.load(path, [place("a", START_MS)])


def test_the_sample_is_read_whole() -> None:
    from edge.places import load

    table = recording.load(sample_city.recording(), load(sample_city.places()))
    assert len(table) == 24_067
    assert [row.device for row in table.devices] == [
        "laqn-marylebone", "citypulse-158324", "uci-235",
    ]
