"""Messages that a broken or hostile publisher might send, for property tests."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.line_city import START_MS

RELAXED = settings(suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy; how long one example takes says nothing."""

_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from([START_MS, "pm25", "temp", 1e400, 10**30, -1, 0, "fault"])
)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(
    st.sampled_from(["pm25", "no2", "temp", "x"]), _SCALARS, max_size=3
)
_KEYS = ("q", "t", "v", "t0", "dt", "m", "u", "ch", "f", "ev", "id", "end", "customers", "r")
_RANGES = st.lists(st.lists(st.integers(-2, 40), min_size=2, max_size=3), max_size=3)
_NUMBERS = st.integers(1, 12) | st.integers() | _SCALARS


def _encode(keys: dict[str, Any]) -> bytes:
    return json.dumps(keys).encode()


_ANY = st.builds(
    lambda number, keys, drop: _encode({"e": 1, "s": number, **keys, **drop}), _NUMBERS,
    st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6),
    st.just({}) | st.builds(lambda ranges: {"drop": ranges}, _RANGES),
)
_NEAR = st.builds(
    lambda number, time_ms, values: _encode({"e": 1, "s": number, "t": time_ms, "m": values}),
    st.integers(1, 12),
    st.sampled_from([START_MS, START_MS + 10**7, 0, START_MS - 10**9, 10**13]),
    st.dictionaries(
        st.sampled_from(["pm25", "no2", "temp", "x"]),
        st.sampled_from([1.0, None, float("nan"), 1e9, -5, 400.5]), max_size=4,
    ),
)
PAYLOADS = _NEAR | _ANY | st.binary(max_size=30)
TOPICS = st.sampled_from([
    "cv/1/r/porto/centre/s1/d1", "cv/1/r/porto/centre/s2/d2", "cv/1/r/porto/centre/s9/d9",
    "cv/1/r/porto/x", "", "cv/1/r/porto/centre/s1/" + "d" * 65,
])
