"""Times of other publishers become Unix milliseconds, or say why they cannot."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.verdicts import Verdict
from ingest.foreign_time import fitting, instant_ms
from ingest.messages import MS_MAX

BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize(("value", "unit", "expected"), [
    (1_790_000_000, "s", NOW_MS),
    (1_790_000_000.12, "s", NOW_MS + 120),
    (NOW_MS, "ms", NOW_MS),
    (NOW_MS * 1000 + 999, "us", NOW_MS),
    (NOW_MS * 1_000_000 + 1, "ns", NOW_MS),
    (0, "s", 0),
    (True, "s", Verdict.REFUSED_TYPE),
    ([1], "s", Verdict.REFUSED_TYPE),
    (1e300, "s", Verdict.REFUSED_TYPE),
    (10**400, "ms", Verdict.REFUSED_TYPE),
    (MS_MAX, "ms", Verdict.REFUSED_TYPE),
    (MS_MAX - 1, "ms", MS_MAX - 1),
    ("2026-09-21T14:13:20Z", "ms", NOW_MS),
    ("2026-09-21T14:13:20.214773143Z", "ms", NOW_MS + 214),
    ("2026-09-21T16:13:20+02:00", "ms", NOW_MS),
    ("2026-09-21T14:13:20", "ms", Verdict.REFUSED_TIME),
    ("2026-09-21", "ms", Verdict.REFUSED_TYPE),
    ("now", "ms", Verdict.REFUSED_TYPE),
    ("2026-13-41T00:00:00Z", "ms", Verdict.REFUSED_TYPE),
    ("1" * 41, "ms", Verdict.REFUSED_TYPE),
    ("9999-12-31T23:59:59Z", "ms", Verdict.REFUSED_TYPE),
    ("0001-01-01T00:01:00Z", "ms", 60_000),
])
def test_numbers_and_texts(value: Any, unit: str, expected: int) -> None:
    assert instant_ms(value, unit, None, NOW_MS) == expected


def test_a_clock_of_year_1_is_one_of_1970() -> None:
    assert fitting(-62_135_596_800_000 + 5) == 5


@pytest.mark.parametrize(("text", "received", "expected"), [
    # In the night of 2026-10-25 the hour from two to three comes twice.
    ("2026-10-25T01:59:59", "2026-10-25T00:00:10Z", "2026-10-24T23:59:59Z"),
    ("2026-10-25T02:30:00", "2026-10-25T00:30:05Z", "2026-10-25T00:30:00Z"),
    ("2026-10-25T02:30:00", "2026-10-25T01:30:05Z", "2026-10-25T01:30:00Z"),
    ("2026-10-25T02:30:00", "2026-10-25T00:59:00Z", "2026-10-25T00:30:00Z"),
    ("2026-10-25T03:00:00", "2026-10-25T02:00:05Z", "2026-10-25T02:00:00Z"),
])
def test_the_hour_that_comes_twice(text: str, received: str, expected: str) -> None:
    found = instant_ms(text, "ms", BERLIN, instant_ms(received, "ms", None, 0))
    assert found == instant_ms(expected, "ms", None, 0)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)),
    st.sampled_from(("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")),
    st.integers(0, 600),
)
def test_local_times_read_soon_after_are_those_that_were_told(
    moment: datetime, name: str, delay_s: int
) -> None:
    """The twin goes the other way: from an instant to the text, and back."""
    zone = ZoneInfo(name)
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    text = moment.astimezone(zone).replace(tzinfo=None).isoformat()
    received = moment + timedelta(seconds=delay_s)
    found = instant_ms(text, "ms", zone, round(received.timestamp() * 1000))
    assert found == round(moment.timestamp() * 1000)
