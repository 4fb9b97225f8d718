"""The arithmetic under the simulated city: noise that is a function of time, sun, queues.

Nothing here keeps state. Noise is a hash of (key, time), so the value of an instant is the same
whether it is computed alone, in a batch of a month, forwards or backwards. All noise is bounded:
what is built from it cannot leave the span it was designed for.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from math import cos, radians, sin, sqrt
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Times = npt.NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LOW_16 = np.uint64(0xFFFF)
_SUM_DEVIATION = 65536 / sqrt(12) * 2
"""Standard deviation of the sum of four uniform 16-bit numbers."""
NORMAL_MAX = 3.47
"""No `normal` or `smooth` value is farther from 0 than this."""
WEEK_STEPS = 7 * 288
"""Steps of five minutes in the weekly profiles."""


def _mixed(number: Keys) -> Keys:
    """The finaliser of SplitMix64: every input bit reaches every output bit."""
    number = (number ^ (number >> np.uint64(30))) * _MIX_1
    number = (number ^ (number >> np.uint64(27))) * _MIX_2
    return number ^ (number >> np.uint64(31))


def keys(seed: int, name: str, count: int = 1) -> Keys:
    """`count` independent noise keys for the purpose `name`: uint64[count]."""
    start = np.array([(seed & 0xFFFFFFFF) << 32 | crc32(name.encode())], dtype=np.uint64)
    steps = np.arange(1, count + 1, dtype=np.uint64)
    return _mixed(_mixed(start) + steps * _GOLDEN)


def hashed(key: Keys, counter: Times) -> Keys:
    """uint64[n, m]: the random bits of counter[n] under key[m]."""
    spread = _mixed(counter.astype(np.uint64) * _GOLDEN + _GOLDEN)
    return _mixed(spread[:, None] ^ key[None, :])


def drawn(key: Keys, counter: Times) -> Keys:
    """uint64[n]: the random bits of counter[n] under key[n], each its own."""
    return _mixed(_mixed(counter.astype(np.uint64) * _GOLDEN + _GOLDEN) ^ key)


def uniform(bits: Keys) -> Floats:
    """Numbers in [0, 1) from random bits."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(bits: Keys) -> Floats:
    """Nearly normal numbers, mean 0 and deviation 1, bounded by `NORMAL_MAX`."""
    total = bits & _LOW_16
    for shift in (16, 32, 48):
        total = total + ((bits >> np.uint64(shift)) & _LOW_16)
    return (total.astype(np.float64) - 131_070.0) / _SUM_DEVIATION


def white(key: Keys, time_ms: Times) -> Floats:
    """float64[n, m]: fresh noise for each instant, deviation 1."""
    return normal(hashed(key, time_ms))


def smooth(key: Keys, time_s: Floats, scale_s: float) -> Floats:
    """float64[n, m]: noise that wanders on the scale of `scale_s`, deviation at most 1.

    Independent numbers at multiples of `scale_s`, joined by smooth steps.
    """
    position = time_s / scale_s
    knot = np.floor(position).astype(np.int64)
    first = int(knot.min())
    values = normal(hashed(key, np.arange(first, int(knot.max()) + 2)))
    share = position - knot
    share = (share * share * (3.0 - 2.0 * share))[:, None]
    left = values[knot - first]
    return left + (values[knot - first + 1] - left) * share


@lru_cache(maxsize=4096)
def _offset_s(hour: int, zone: str) -> float:
    moment = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone))
    offset = moment.utcoffset()
    return offset.total_seconds() if offset else 0.0


def local_s(time_s: Floats, zone: str) -> Floats:
    """float64[n]: seconds on the wall clock of `zone`, daylight saving included.

    Zones change their offset on the hour, so one look-up an hour is enough.
    """
    hour = np.floor(time_s / 3600).astype(np.int64)
    first = int(hour.min())
    offsets: Floats = np.array([_offset_s(h, zone) for h in range(first, int(hour.max()) + 1)])
    return time_s + offsets[hour - first]


def weekly(shape: Callable[[int, Floats], Floats]) -> Floats:
    """float64[WEEK_STEPS + 1]: a week's profile; `shape(weekday, hours)`, Monday is 0.

    The last value repeats the first, so that Sunday's end joins Monday's start.
    """
    hours = np.arange(288) / 12.0
    days = [shape(day, hours) for day in range(7)]
    return np.concatenate([*days, days[0][:1]])


def at_week(profiles: Floats, wall_s: Floats) -> Floats:
    """float64[n, m]: profiles[WEEK_STEPS + 1, m] at wall-clock seconds, interpolated."""
    # The epoch was a Thursday: Monday came three days before it.
    position = ((wall_s + 3 * 86_400) / 300.0) % WEEK_STEPS
    step = position.astype(np.int64)
    share = (position - step)[:, None]
    left = profiles[step]
    return left + (profiles[step + 1] - left) * share


def bump(hours: Floats, centre: float, width: float) -> Floats:
    """A bell of height 1 around `centre` (hours)."""
    return np.exp(-0.5 * ((hours - centre) / width) ** 2)


def plateau(hours: Floats, start: float, end: float, edge: float = 0.7) -> Floats:
    """Near 1 between `start` and `end` (hours), near 0 outside, soft edges."""
    up = 1.0 / (1.0 + np.exp(-(hours - start) / edge))
    down = 1.0 / (1.0 + np.exp((hours - end) / edge))
    return up * down


def sun_height(time_s: Floats, lat: float, lon: float) -> Floats:
    """float64[n]: sine of the sun's elevation, 0 at night (declination by a cosine)."""
    day = time_s / 86_400.0
    declination = radians(-23.44) * np.cos(2 * np.pi * (day - 354.5) / 365.2422)
    angle = 2 * np.pi * (day % 1.0 - 0.5) + radians(lon)
    here = radians(lat)
    height = sin(here) * np.sin(declination) + cos(here) * np.cos(declination) * np.cos(angle)
    return np.maximum(height, 0.0)


def delay_factor(load: Floats) -> Floats:
    """Travel time over free travel time on a street with signals, load = demand / capacity.

    The form of the Bureau of Public Roads, 1 + a * load^b, with a = 0.5 and b = 4.
    """
    square = load * load
    return 1.0 + 0.5 * square * square


def below(value: Floats, ceiling: float) -> Floats:
    """`value` where it is small against `ceiling`, never above it, without a corner."""
    eighth = value / ceiling
    for _ in range(3):
        eighth = eighth * eighth
    return value / np.sqrt(np.sqrt(np.sqrt(1.0 + eighth)))


def saturation_hpa(temp_c: Floats) -> Floats:
    """Saturation pressure of water vapour by Magnus' formula."""
    return 6.112 * np.exp(17.62 * temp_c / (243.12 + temp_c))
