"""The places file: what is read, what is refused and how it is said."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import places
from edge.places import COLUMNS, HEADING, NOTE_CHARS_MAX, PlaceKey, PlaceRow, PlacesError

GOLDEN = Path(__file__).parent / "golden" / "places.csv"
HEADER = ",".join(COLUMNS)
ROW = (
    "2026-01-01T00:00:00Z,porto,centre,s1,pm-s1,Praça,41.1,-8.6,Europe/Lisbon,60,0,0,0,0,"
    "active,0,no,,0,0,0,0,,"
)


def file(*rows: str, heading: str = HEADING, header: str = HEADER) -> str:
    return "\n".join([heading, header, *rows]) + "\n"


def test_golden() -> None:
    rows = places.load(GOLDEN)
    assert places.render(rows) == GOLDEN.read_text()
    assert [row.station for row in rows] == ["s1", "r7", "f3", "s1", "p9"]
    assert rows[0] == PlaceRow(
        1_767_225_600_000, "porto", "centre", "s1", "pm-s1", "Praça da Liberdade", 41.146300,
        -8.611200, "Europe/Lisbon", 60.0,
    )
    assert (rows[1].length_km, rows[1].lanes, rows[1].posted_kmh) == (0.85, 2, 50.0)
    assert rows[2].customers == 1200
    assert rows[2].modulus_kwh == 100_000
    assert [row.private for row in rows] == [False, False, True, False, False]
    assert rows[3].status == "retired"
    assert [row.correction for row in rows] == ["", "", "", "", "purpleair-cf1"]
    assert rows[3].note == "retired, its successor is purple-p9"


@pytest.mark.parametrize(("column", "text", "rule"), [
    ("valid_from", "2026-01-01", "RFC 3339 with a zone"),
    ("valid_from", "yesterday", "isoformat"),
    ("city", "Porto", "1 to 64 of a-z"),
    ("station", "", "1 to 64 of a-z"),
    ("device", "a/b", "1 to 64 of a-z"),
    ("lat", "91", "between -90 and 90"),
    ("lat", "nan", "between -90 and 90"),
    ("lon", "-181", "between -180 and 180"),
    ("tz", "Europe/Atlantis", "IANA time zone"),
    ("tz", "/etc/passwd", "IANA time zone"),
    ("period_s", "0", "between 0.01 and"),
    ("period_s", "fast", "could not convert"),
    ("lanes", "101", "between 0 and 100"),
    ("posted_kmh", "inf", "between 0 and 300"),
    ("customers", "-1", "between 0 and"),
    ("modulus_kwh", "2e9", "between 0 and"),
    ("status", "asleep", "active or retired"),
    ("private", "maybe", "yes or no"),
    ("road_class", "motorway", "empty or one of freeway"),
    ("heavy_share", "1.5", "between 0 and 1"),
    ("correction", "purpleair", "empty or one of purpleair-cf1, purpleair-atm"),
    ("note", "a\tb", "one line of at most 200 characters"),
])
def test_wrong_field_is_named_with_line_and_rule(column: str, text: str, rule: str) -> None:
    fields = ROW.split(",")
    fields[COLUMNS.index(column)] = text
    with pytest.raises(PlacesError) as caught:
        places.parse(file(ROW, ",".join(fields)), "my.csv")
    message = str(caught.value)
    assert message.startswith(f"my.csv: line 4: {column} = {text!r}: ")
    assert rule in message


@pytest.mark.parametrize(("text", "rule"), [
    ("", "line 1: '' should be"),
    (file(ROW, heading="# cityvitals places 2"), "has format 2, this program knows up to 1"),
    (file(ROW, header=HEADER.replace("device,", "")), "lacks ['device']"),
    (file(ROW, header=HEADER + ",colour"), "has unknown ['colour']"),
    (file(ROW + ",x"), "line 3: more fields"),
    (file(ROW, ROW.replace("porto", "lisboa")), "one instance serves one city"),
])
def test_wrong_file_is_refused(text: str, rule: str) -> None:
    with pytest.raises(PlacesError) as caught:
        places.parse(text)
    assert rule in str(caught.value)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="no-such"):
        places.load(tmp_path / "no-such.csv")
    (tmp_path / "latin.csv").write_bytes(b"# cityvitals places 1\n\xe7")
    with pytest.raises(PlacesError, match=r"latin\.csv"):
        places.load(tmp_path / "latin.csv")


def test_optional_columns_may_be_missing() -> None:
    header = ",".join(COLUMNS[:10])
    [row] = places.parse(file(",".join(ROW.split(",")[:10]), header=header))
    assert (row.lanes, row.customers, row.status) == (0, 0, "active")


def test_rows_come_in_the_order_of_their_dates() -> None:
    later, earlier = ROW, ROW.replace("2026-01-01", "2025-01-01")
    assert [row.valid_from_ms for row in places.parse(file(later, earlier))] == [
        1_735_689_600_000, 1_767_225_600_000
    ]


def test_a_note_at_its_limit() -> None:
    [row] = places.parse(file(ROW + "n" * NOTE_CHARS_MAX))
    assert row.note == "n" * NOTE_CHARS_MAX
    with pytest.raises(PlacesError, match=f"at most {NOTE_CHARS_MAX} characters"):
        places.parse(file(ROW + "n" * (NOTE_CHARS_MAX + 1)))


def test_bound_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "PLACES_MAX", 3)
    assert len(places.parse(file(ROW, ROW, ROW))) == 3
    with pytest.raises(PlacesError, match="more than 3 rows"):
        places.parse(file(ROW, ROW, ROW, ROW))


def test_paths_and_scopes() -> None:
    keys = [PlaceKey("porto", "centre", "s1"), PlaceKey("porto", "centre", ""),
            PlaceKey("porto", "", "")]
    assert [key.path for key in keys] == ["centre/s1", "centre/_", "_/_"]
    assert [key.scope for key in keys] == ["station", "district", "city"]


_ids = st.from_regex(r"[a-z0-9_-]{1,10}", fullmatch=True)
_names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20)
_rows = st.builds(
    PlaceRow, st.integers(946_684_800_000, 4_000_000_000_000), st.just("porto"), _ids, _ids, _ids,
    _names.map(str.strip), st.integers(-90, 90).map(float), st.integers(-180, 180).map(float),
    st.just("Europe/Lisbon"), st.integers(1, 3600).map(float), st.just(0.5), st.integers(0, 9),
    st.just(50.0), st.integers(0, 999), st.sampled_from(["active", "retired"]),
)


@given(st.lists(_rows, max_size=5))
def test_round_trip(rows: list[PlaceRow]) -> None:
    expected = sorted(rows, key=lambda row: row.valid_from_ms)
    assert places.parse(places.render(rows)) == expected


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(PlacesError):
        places.parse(f"{HEADING}\n{HEADER}\n{text}")
