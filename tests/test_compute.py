"""`compute`: a recording through the engine without broker, errors that name the place."""

import csv
from pathlib import Path

import pytest

from edge.places import PlaceRow, render
from edge.verdicts import Verdict
from ingest import compute

GOLDEN = Path(__file__).parent / "golden" / "points.csv"
PLACES = [
    PlaceRow(0, "town", "east", "feeder", "m1", "Feeder", 52.5, 13.4, "Europe/Berlin", 60.0),
    PlaceRow(0, "town", "east", "road", "r1", "Road", 52.5, 13.4, "Europe/Berlin", 300.0,
             length_km=1.2, lanes=2, posted_kmh=50.0),
]
KW = (
    3, 4, 4, 5, 6, 8, 9, 9, 10, 12, 11, 9, 8, 7, 6, 5, 5, 6, 7, 9, 12, 14, 15, 15, 14, 13, 11, 9,
    8, 7, 6, 5, 4, 4, 3, 3, 4, 5, 6, 6, 7, 8, 8, 9, 9,
)
"""The worked case of energy.demand_15min: blocks of 7.4, 10.0 and 5.8 kW."""


def write(tmp_path: Path, rows: list[str], header: str = "time,place,quantity,value") -> list[Path]:
    """The files of a recording: readings, places, and where the indicators go."""
    readings, places, out = (tmp_path / name for name in ("r.csv", "places.csv", "out.csv"))
    readings.write_text("\n".join([header, *rows]) + "\n")
    places.write_text(render(PLACES))
    return [readings, places, out]


def table(out: Path) -> list[dict[str, str]]:
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def recorded() -> list[str]:
    """45 minutes of power, and a road that is seen in two of three bins."""
    rows = [f"2026-03-02T10:{i:02d}:00Z,east/feeder,power,{kw}" for i, kw in enumerate(KW)]
    for minute, speed in ((0, 40.0), (5, 25.0)):
        at = f"2026-03-02T10:{minute:02d}:00Z,east/road"
        rows += [f"{at},speed,{speed}", f"{at},count,30"]
    return rows


def test_the_worked_case_of_demand(tmp_path: Path) -> None:
    files = write(tmp_path, recorded())
    assert compute.run(*files) == 0
    rows = [row for row in table(files[2]) if row["place"] == "east/feeder"]
    blocks = [float(row["value"]) for row in rows
              if row["indicator"] == "energy.demand_15min" and row["value"]]
    assert blocks == pytest.approx([7.4, 10.0, 5.8])
    sliding = {row["time"]: float(row["value"]) for row in rows
               if row["indicator"] == "energy.demand_sliding" and row["value"]}
    peak = max(sliding, key=lambda at: sliding[at])
    assert (peak, sliding[peak]) == ("2026-03-02T10:31:00Z", pytest.approx(10.066667, abs=1e-6))


def test_the_output_is_the_one_that_is_documented(tmp_path: Path) -> None:
    files = write(tmp_path, recorded())
    assert compute.run(*files) == 0
    kept = ("energy.demand_15min", "traffic.tti", "dq.completeness")
    lines = files[2].read_text().splitlines()
    text = "\n".join([lines[0], *(line for line in lines[1:] if line.split(",")[2] in kept)])
    assert text + "\n" == GOLDEN.read_text()


def test_the_order_of_the_rows_does_not_show(tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.mkdir()
    back.mkdir()
    one, other = write(there, recorded()), write(back, recorded()[::-1])
    assert compute.run(*one) == compute.run(*other) == 0
    assert one[2].read_text() == other[2].read_text()


def test_units_are_converted(tmp_path: Path) -> None:
    header = "time,place,quantity,value,unit"
    watts = [f"{row.rsplit(',', 1)[0]},{float(row.rsplit(',', 1)[1]) * 1000:g},W"
             for row in recorded() if ",power," in row]
    files = write(tmp_path, watts, header)
    assert compute.run(*files) == 0
    values = [row["value"] for row in table(files[2])
              if (row["place"], row["indicator"]) == ("east/feeder", "energy.demand_15min")]
    assert [float(value) for value in values if value] == pytest.approx([7.4, 10.0, 5.8])


@pytest.mark.parametrize(("header", "row", "words"), [
    ("time,place,quantity,value", "2026-03-02T10:00:00Z,east/nowhere,power,1",
     ["line 2", "place = 'east/nowhere'"]),
    ("time,place,quantity,value", "2026-03-02T10:00:00,east/feeder,power,1",
     ["line 2", "time = '2026-03-02T10:00:00'", "needs a zone"]),
    ("time,place,quantity,value", "2026-03-02T10:00:00Z,east/feeder,joy,1",
     ["line 2", "quantity = 'joy'", "power"]),
    ("time,place,quantity,value", "2026-03-02T10:00:00Z,east/feeder,power,much",
     ["line 2", "value = 'much'"]),
    ("time,place,quantity,value,unit", "2026-03-02T10:00:00Z,east/feeder,power,1,hp",
     ["line 2", "unit = 'hp'", "kW"]),
    ("time,place,quantity,wert", "2026-03-02T10:00:00Z,east/feeder,power,1",
     ["line 1", "value"]),
])
def test_errors_name_file_line_field_and_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, row: str, words: list[str]
) -> None:
    files = write(tmp_path, [row], header)
    assert compute.run(*files) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in [str(files[0]), *words]:
        assert word in said
    assert not files[2].exists()


def test_impossible_values_are_counted_not_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write(tmp_path, [*recorded(), "2026-03-02T10:20:30Z,east/feeder,power,9e9"])
    assert compute.run(*files) == 0
    assert "refused_impossible 1" in capsys.readouterr().out


def verdicts_of(readings: Path, places: Path) -> dict[str, int]:
    counts = compute.compute(readings, places).counts
    return {v.label: int(counts[v]) for v in Verdict if counts[v]}


def test_of_two_rows_of_one_time_the_one_received_later_stands(tmp_path: Path) -> None:
    header = "time,place,quantity,value,received"
    at = "2026-03-02T10:20:00Z"
    whole = [f"{row},{row.split(',')[0]}" for row in recorded()]
    right = next(row for row in whole if row.startswith(f"{at},east/feeder"))
    wrong, again = (f"{at},east/feeder,power,{kw},{received}" for kw, received in (
        (99, "2026-03-02T10:19:00Z"), (12.0, "2026-03-02T11:40:00Z")))
    out = {}
    for name, more in {"plain": [], "before": [wrong], "after": [right.replace(",12,", ",99,")],
                       "again": [wrong, again], "late": [wrong.replace("10:19", "11:40")]}.items():
        folder = tmp_path / name
        folder.mkdir()
        files = write(folder, [*more[::-1], *whole] if name != "after" else [*whole, *more], header)
        assert compute.run(*files) == 0
        out[name] = {
            (row["time"], row["place"], row["indicator"]): (row["value"], row["n"], row["level"])
            for row in table(files[2]) if row["time"] < "2026-03-02T11:01"
        }
        counts = verdicts_of(*files[:2])
        assert sum(counts.values()) == len(whole) + len(more)
        assert counts.get("conflict", 0) == (name != "plain")
        assert counts.get("duplicate", 0) == (name == "again")
        assert counts.get("late", 0) == (name == "late")
    assert out["before"] == out["again"] == out["plain"]
    # The file's later row, of two received at once; and one that came an hour later.
    assert out["after"] == out["late"] != out["plain"]
