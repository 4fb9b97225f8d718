"""Topics, and what is none of ours."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import topics
from edge.topics import Source

GOLDEN = Path(__file__).parent / "golden" / "topics.txt"
PLACE = ("porto", "centre", "s1", "pm-s1")
IDS = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)


def test_golden() -> None:
    lines = [
        topics.readings(*PLACE), topics.state(*PLACE), topics.acks("pm-s1"),
        topics.configuration("pm-s1"),
        topics.indicator("porto", "centre", "s1", "air", "us_aqi"),
        topics.indicator("porto", "centre", "_", "traffic", "tti"),
        topics.indicator("porto", "_", "_", "energy", "demand"),
        topics.READINGS_FILTER, topics.STATE_FILTER,
    ]
    assert "\n".join(lines) + "\n" == GOLDEN.read_text()


@given(IDS, IDS, IDS, IDS)
def test_source_round_trip(city: str, district: str, station: str, device: str) -> None:
    source = Source(city, district, station, device)
    assert topics.parse_source(topics.readings(*source)) == source
    assert topics.parse_source(topics.state(*source)) == source


@pytest.mark.parametrize("topic", [
    "", "/", "cv/1/r/porto/centre/s1", "cv/1/r/porto/centre/s1/d/x", "cv/2/r/porto/centre/s1/d",
    "cv/1/i/porto/centre/s1/d", "cv/1/r/porto/centre//d", "cv/1/r/Porto/centre/s1/d",
    "cv/1/r/po rto/centre/s1/d", "cv/1/r/pórto/centre/s1/d", "cv/1/r/p.o/centre/s1/d",
    "cv/1/r/porto/centre/s1/d\n", "cv/1/r/porto/centre/s1/+", "cv/1/a/pm-s1",
    "cv/1/r/porto/centre/s1/" + "d" * 65, "homie/x",
])
def test_what_is_none_of_ours(topic: str) -> None:
    assert topics.parse_source(topic) is None


@given(st.text(max_size=80))
def test_any_text_is_ours_or_not_and_never_raises(text: str) -> None:
    source = topics.parse_source(text)
    assert source is None or text[7:] == "/".join(source)


def test_ids_at_their_limit() -> None:
    assert topics.is_id("d" * 64)
    assert not topics.is_id("d" * 65)
    assert not topics.is_id("")
    with pytest.raises(ValueError, match="use 1 to 64 of a-z"):
        topics.readings("porto", "centre", "s1", "a/b")
    with pytest.raises(ValueError, match="'#'"):
        topics.acks("#")
