"""What `ingest.lines` writes, read back by a strict parser of the line protocol."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.places import PlaceKey
from engine.catalogue import INDICATORS, POSITION
from engine.points import INSUFFICIENT, Points, empty
from ingest import lines
from ingest.lines import AGE_NEVER_S, LINES_MAX, PointLines

GOLDEN = Path(__file__).parent / "golden" / "lines.txt"
END_S = 1_763_836_200
STATION = PlaceKey("ulm", "centre", "s1")
DISTRICT = PlaceKey("ulm", "centre", "")
CITY = PlaceKey("ulm", "", "")

_FLOAT = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_INTEGER = re.compile(r"-?\d+i")


def _split(text: str, separator: str, quotes: str = '"') -> list[str]:
    """Split at `separator`, but not where it is escaped or within quotes."""
    parts, part, quoted, i = [], "", False, 0
    while i < len(text):
        char = text[i]
        if char == "\\" and i + 1 < len(text):
            part += text[i:i + 2]
            i += 2
            continue
        if char == quotes:
            quoted = not quoted
        if char == separator and not quoted:
            parts.append(part)
            part = ""
        else:
            part += char
        i += 1
    assert not quoted
    return [*parts, part]


def _field(text: str) -> Any:
    if text.startswith('"'):
        assert text.endswith('"')
        assert len(text) >= 2
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if _INTEGER.fullmatch(text):
        number = int(text[:-1])
        assert -(2**63) <= number < 2**63
        return number
    assert _FLOAT.fullmatch(text), text
    return float(text)


def parse(line: str) -> tuple[str, dict[str, str], dict[str, Any], int]:
    """Measurement, tags, fields and time of one line; asserts on anything doubtful."""
    series = _split(line, " ", quotes="")[0]  # in tags a quote is a letter like others
    fields, moment = _split(line[len(series) + 1:], " ")
    name, *pairs = _split(series, ",", quotes="")
    tags = {}
    for pair in pairs:
        key, value = _split(pair, "=", quotes="")
        assert value
        tags[key] = re.sub(r"\\([,= ])", r"\1", value)
        assert "\\" not in tags[key]
    values = {}
    for pair in _split(fields, ","):
        key, value = _split(pair, "=")
        values[key] = _field(value)
    assert len(tags) == len(pairs)
    return name, tags, values, int(moment)


def one(text: bytes) -> tuple[str, dict[str, str], dict[str, Any], int]:
    body = text.decode()
    assert body.endswith("\n")
    assert body.count("\n") == 1
    return parse(body[:-1])


def sample(count: int, places: int, seed: int = 1) -> Points:
    random = np.random.default_rng(seed)
    points = empty(count)
    points.place[:] = random.integers(0, places, count)
    points.indicator[:] = random.integers(0, len(INDICATORS), count)
    points.end_s[:] = END_S + 60 * random.integers(0, 60, count)
    points.value[:] = random.random(count) * 100
    points.cov[:] = np.round(random.random(count), 3)
    points.level[:] = random.integers(-1, 5, count)
    points.n[:] = random.integers(0, 100, count)
    points.rev[:] = 1
    points.state[:] = 1
    return points


def golden_points() -> Points:
    """A good station, an insufficient one, one with NaN; a district, a city, an empty city."""
    points = empty(6)
    points.indicator[:] = [POSITION[key] for key in (
        "air.us_aqi", "traffic.tti", "energy.demand_15min", "air.us_aqi", "traffic.tti",
        "energy.demand_15min")]
    points.place[:] = [0, 0, 0, 1, 2, 2]
    points.end_s[:] = END_S
    points.value[:] = [51, 0, math.nan, 63, 1.25, 0]
    points.level[:] = [1, -1, 0, 1, 0, -1]
    points.cov[:] = [1, 0.5, math.nan, 0.75, 1, 0]
    points.n[:] = [24, 150, 0, 8, 20, 0]
    points.rev[:] = [1, 2, 0, 1, 1, 1]
    points.state[:] = [1, 2, 0, 1, 1, 1]
    points.p50[3:5], points.p95[3:5], points.max[3:5] = [48, 1.1], [60, 1.75], [63, 2]
    points.over[3:5] = [2, 0]
    return points


def golden_text() -> str:
    (stations, areas) = PointLines().encode(golden_points(), [STATION, DISTRICT, CITY])
    state: dict[str, Any] = {"lat": 48.4, "lon": 9.99, "worst": "us_aqi"}
    parts = [
        stations.body, areas.body,
        lines.station_state(
            STATION, END_S, online=True, age_s=4.5, level=1, value=51.0, **state),
        lines.station_state(
            STATION, END_S, online=False, age_s=math.inf, level=2, value=math.nan, **state),
        lines.event(
            STATION, END_S * 1000, kind="restated", indicator="us_aqi", severity="info",
            title="US AQI 51 to 54", body="14 readings,\n6 h \"late\"", ref="centre/s1"),
        lines.pipeline(
            "pi 4", "sink", END_S, msgs=10, errors=0, lag_s=0.2, queue=3, write_ms=4.0, spool=0,
            dead=0, rss_mb=81.5),
    ]
    return b"".join(parts).decode()


def test_golden_lines() -> None:
    assert golden_text() == GOLDEN.read_text(encoding="utf-8")


def test_golden_lines_are_line_protocol() -> None:
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        parse(line)


def test_a_measurement_has_one_set_of_fields_and_types() -> None:
    shapes: dict[str, set[tuple[tuple[str, type], ...]]] = {}
    for line in golden_text().splitlines():
        name, _, fields, _ = parse(line)
        shapes.setdefault(name, set()).add(tuple((key, type(x)) for key, x in fields.items()))
    assert {name: len(shape) for name, shape in shapes.items()} == {
        "indicator": 1, "indicator_area": 1, "station_state": 1, "event": 1, "pipeline": 1}


finite = st.floats(allow_nan=False, allow_infinity=False)
ids = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)


@given(
    st.lists(st.tuples(
        st.integers(0, len(INDICATORS) - 1), st.integers(0, 2), st.integers(0, 4_000_000_000),
        st.floats(), st.integers(-1, 20), st.floats(), st.integers(0, 2**31 - 1),
        st.integers(0, 2**31 - 1), st.integers(0, 2), st.floats(), st.integers(-1, 1000),
    ), max_size=20),
    st.tuples(ids, ids, ids),
)
def test_points_are_read_back_exactly(
    rows: list[tuple[Any, ...]], names: tuple[str, str, str]
) -> None:
    keys = [PlaceKey(*names), PlaceKey(names[0], names[1], ""), PlaceKey(names[0], "", "")]
    points = empty(len(rows))
    columns = ("indicator", "place", "end_s", "value", "level", "cov", "n", "rev", "state")
    for i, row in enumerate(rows):
        for name, value in zip((*columns, "p95", "over"), row, strict=True):
            getattr(points, name)[i] = value
    batches = PointLines().encode(points, keys)
    found = [parse(line) for batch in batches for line in batch.body.decode().splitlines()]
    assert sum(batch.lines for batch in batches) == len(found) == len(rows)
    order = [*(i for i, row in enumerate(rows) if row[1] == 0),
             *(i for i, row in enumerate(rows) if row[1] > 0)]
    for i, (name, tags, fields, moment) in zip(order, found, strict=True):
        entry, key = INDICATORS[rows[i][0]], keys[rows[i][1]]
        value, level = rows[i][3], rows[i][4]
        if not math.isfinite(value):
            value, level = 0.0, INSUFFICIENT
        assert (tags["domain"], tags["ind"], tags["city"]) == (entry.domain, entry.id, key.city)
        assert tags["district"] == (key.district or "_")
        assert tags.get("station", "") == key.station
        assert tags.get("scope", "station") == key.scope
        assert (fields["value"], fields["level"], moment) == (value, level, rows[i][2])
        assert fields["cov"] == (rows[i][5] if math.isfinite(rows[i][5]) else 0)
        assert fields["n"] == rows[i][6]
        if key.station:
            assert (name, fields["rev"], fields["state"]) == ("indicator", *rows[i][7:9])
        else:
            assert (name, fields["p50"]) == ("indicator_area", value)
            assert fields["p95"] == (rows[i][9] if math.isfinite(rows[i][9]) else value)
            assert fields["over"] == max(rows[i][10], 0)


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(anything, anything, anything, st.integers(946_684_800_000, 4_000_000_000_000))
def test_any_text_of_an_event_stays_on_its_line(
    kind: str, title: str, body: str, time_ms: int
) -> None:
    name, tags, fields, moment = one(lines.event(
        STATION, time_ms, kind=kind, indicator="us_aqi", severity="info", title=title,
        body=body))
    assert (name, tags["ind"], moment // 1_000_000) == ("event", "us_aqi", time_ms)
    assert tags["kind"] == (re.sub(r"[\\\n\r\t\0]", "_", kind) or "_")
    assert fields["title"] == re.sub(r"[\n\r\0]", " ", title)
    assert fields["text"] == re.sub(r"[\n\r\0]", " ", body)


@given(finite, finite, st.floats(), st.floats(), anything)
def test_station_state_is_read_back(
    lat: float, lon: float, age_s: float, value: float, worst: str
) -> None:
    _, tags, fields, moment = one(lines.station_state(
        STATION, END_S, lat=lat, lon=lon, online=False, age_s=age_s, level=3, worst=worst,
        value=value))
    assert tags == {"city": "ulm", "district": "centre", "station": "s1"}
    assert (fields["lat"], fields["lon"], fields["online"], moment) == (lat, lon, 0, END_S)
    assert fields["age_s"] == (age_s if math.isfinite(age_s) else AGE_NEVER_S)
    assert (fields["value"], fields["level"]) == (
        (value, 3) if math.isfinite(value) else (0, INSUFFICIENT))


def test_the_same_event_keeps_its_time_and_another_gets_its_own() -> None:
    what = {"kind": "k", "indicator": "i", "severity": "info", "title": "t"}
    times = [one(lines.event(STATION, END_S * 1000, **what, body=body))[3]
             for body in ("a", "a", "b")]
    assert times[0] == times[1] != times[2]


def test_batches_end_at_the_bound() -> None:
    for count, sizes in ((LINES_MAX, [LINES_MAX]), (LINES_MAX + 1, [LINES_MAX, 1]), (0, [])):
        batches = PointLines().encode(sample(count, 1), [STATION])
        assert [batch.lines for batch in batches] == sizes
        assert [batch.body.count(b"\n") for batch in batches] == sizes


def test_a_series_keeps_its_tags_when_the_places_change() -> None:
    """The cache is by place, not by position: two callers may bring two lists."""
    other = PlaceKey("ulm", "west", "s9")
    maker = PointLines()
    for keys in ([STATION, other], [other, STATION]):
        (batch,) = maker.encode(sample(20, 1), keys)
        stations = {parse(line)[1]["station"] for line in batch.body.decode().splitlines()}
        assert stations == {keys[0].station}
