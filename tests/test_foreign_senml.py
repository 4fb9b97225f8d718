"""The format `senml` against the examples of RFC 8428 and their published resolved form."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.verdicts import Verdict
from ingest import foreign_found
from ingest.foreign_found import Found, WrongError
from ingest.foreign_senml import UNITS, found_in

SAMPLES = Path(__file__).parent / "samples" / "foreign"
NOW_MS = 1_790_000_000_000
RELATIVE = {"ex7", "ex9"}
"""Examples without a time: the standard resolved them when it was written."""


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def whole(tree: Any) -> list[Found]:
    """All records by their whole names."""
    return found_in(tree, lambda name: name or None, NOW_MS)


@pytest.mark.parametrize("name", ["ex3", "ex5", "ex7", "ex9", "ex10", "ex11"])
def test_examples_are_resolved_as_the_standard_does(name: str) -> None:
    found = whole(sample(f"{name}.gen.json"))
    resolved = sample(f"{name}.gen.resolved.json")
    told = {(one["n"], round(one["t"] * 1000), one["u"]): one for one in resolved if "u" in one}
    seen = 0
    for one, record in zip(found, sample(f"{name}.gen.json")[-len(found):], strict=True):
        if one.refused is not None:
            assert record.get("u") not in UNITS or "v" not in record
            continue
        if name in RELATIVE:
            assert (one.time_ms, one.relative) == (NOW_MS, True)
            assert one.value in {row.get("v") for row in resolved if row["n"] == one.name}
        else:
            assert not one.relative
            [match] = [row for (n, t, u), row in told.items()
                       if (n, t, UNITS.get(u)) == (one.name, one.time_ms, one.unit)]
            assert one.value == match["v"]
        seen += 1
    assert seen == sum(row.get("u") in UNITS and "v" in row for row in resolved)


def test_two_devices_in_a_pack_keep_their_whole_names() -> None:
    found = whole(sample("ex13.gen.json"))
    assert [one.name for one in found] == ["2001:db8::3", "2001:db8::4"] * 2
    assert [one.time_ms for one in found] == [1_320_078_429_000] * 2 + [1_320_078_429_100] * 2


def test_a_name_is_known_by_its_end() -> None:
    tree = [{"bn": "urn:dev:mac:b827ebfffe000001:", "bt": 1_790_000_000, "n": "pm25", "u": "ug/m3",
             "v": 12.5}, {"n": "temp", "u": "Cel", "t": -60, "v": 21.4}, {"n": "soot", "v": 1}]
    known = {"pm25", "temp"}
    found = found_in(tree, lambda name: name if name in known else None, NOW_MS)
    assert found[:2] == [
        Found("pm25", 12.5, NOW_MS, "ug/m3"), Found("temp", 21.4, NOW_MS - 60_000, "degC"),
    ]
    assert found[2].refused == Verdict.REFUSED_QUANTITY


def test_base_fields_hold_until_replaced_and_are_added() -> None:
    tree = [{"bn": "a:", "bv": 10, "bu": "V", "bt": 1_790_000_000}, {"n": "x", "v": 1},
            {"bv": 20, "bn": "b:", "n": "x", "v": 2, "u": "A", "t": 5}, {"n": "y", "v": 0.5}]
    assert [one[:4] for one in whole(tree)] == [
        ("a:x", 11.0, NOW_MS, "V"), ("b:x", 22.0, NOW_MS + 5000, "A"), ("b:y", 20.5, NOW_MS, "V"),
    ]


@pytest.mark.parametrize(("time_s", "expected", "relative"), [
    ((1 << 28) - 1, NOW_MS + ((1 << 28) - 1) * 1000, True), (1 << 28, (1 << 28) * 1000, False),
    (-2.5, NOW_MS - 2500, True), (0, NOW_MS, True),
])
def test_small_times_are_relative(time_s: float, expected: int, relative: bool) -> None:
    [one] = whole([{"n": "x", "u": "V", "t": time_s, "v": 1}])
    assert (one.time_ms, one.relative) == (expected, relative)


@pytest.mark.parametrize(("tree", "verdict"), [
    ({"n": "x", "v": 1}, Verdict.REFUSED_TYPE),
    ([], Verdict.REFUSED_QUANTITY),
    ([{"bn": "a"}], Verdict.REFUSED_QUANTITY),
    ([1], Verdict.REFUSED_TYPE),
    ([{"n": "x", "v": 1, "new_": 2}], Verdict.REFUSED_TYPE),
    ([{"n": "x", "v": "1"}], Verdict.REFUSED_TYPE),
    ([{"n": "x", "v": True}], Verdict.REFUSED_TYPE),
    ([{"n": 1, "v": 1}], Verdict.REFUSED_TYPE),
    ([{"n": "x", "v": 1, "bver": 11}], Verdict.REFUSED_TYPE),
    ([{"n": "x", "v": 1, "bver": "10"}], Verdict.REFUSED_TYPE),
])
def test_packs_that_may_not_be_read(tree: Any, verdict: Verdict) -> None:
    with pytest.raises(WrongError) as error:
        whole(tree)
    assert error.value.verdict == verdict


@pytest.mark.parametrize(("record", "verdict"), [
    ({"n": "x", "vs": "text"}, Verdict.REFUSED_TYPE), ({"n": "x", "s": 3}, Verdict.REFUSED_TYPE),
    ({"n": "x", "u": "lx", "v": 1}, Verdict.REFUSED_UNIT),
    ({"n": "x", "v": 10**400}, Verdict.REFUSED_NOT_A_NUMBER),
    ({"n": "x", "v": 1, "t": 10**400}, Verdict.REFUSED_TYPE),
    ({"n": "n" * 301, "v": 1}, Verdict.REFUSED_QUANTITY),
])
def test_records_that_cannot_be_taken(record: Any, verdict: Verdict) -> None:
    good, bad = whole([{"n": "y", "v": 1}, record])
    assert (good.refused, bad.refused) == (None, verdict)
    assert good.unit == ""  # neither told: the configuration must know


def test_records_at_their_limit() -> None:
    most = foreign_found.ENTRIES_MAX
    assert len(whole([{"n": "x", "v": 1}] * most)) == most
    with pytest.raises(WrongError):
        whole([{"n": "x", "v": 1}] * (most + 1))
