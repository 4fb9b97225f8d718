"""Slow twins of the kernels of energy: obviously right, one number at a time."""

import cmath
import math
import statistics
from collections.abc import Mapping, Sequence


def load_factor(energy_kwh: float, peak_kw: float, hours: float) -> float:
    """Mean power over peak power."""
    if peak_kw <= 0 or hours <= 0 or energy_kwh < 0:
        return math.nan
    return (energy_kwh / hours) / peak_kw


def power_factor(kw: float, kvar: float, rated_kva: float) -> float:
    """Cosine of the angle of P + jQ; none below 1 % of the rating."""
    s = complex(kw, kvar)
    if abs(s) == 0 or abs(s) < 0.01 * rated_kva:
        return math.nan
    return abs(math.cos(cmath.phase(s)))


def week(volts: Sequence[float], nominal: float) -> tuple[int, int, int]:
    """N, N1 and N2 of 10-minute values."""
    valid = [u for u in volts if not math.isnan(u)]
    n1 = [u for u in valid if u / nominal > 1.1 or u / nominal < 0.9]
    n2 = [u for u in valid if u / nominal > 1.1 or u / nominal < 0.85]
    return len(valid), len(n1), len(n2)


def deviation(volts: Sequence[float], declared: float) -> tuple[float, float]:
    """Root mean squares of what is below, and above, against the declared voltage."""
    valid = [u for u in volts if not math.isnan(u)]
    if not valid:
        return math.nan, math.nan
    low = math.sqrt(statistics.fmean([min(u, declared) ** 2 for u in valid]))
    high = math.sqrt(statistics.fmean([max(u, declared) ** 2 for u in valid]))
    return 100 * (declared - low) / declared, 100 * (high - declared) / declared


def sequences(volts: Sequence[float], degrees: Sequence[float]) -> tuple[float, float]:
    """Fortescue by complex exponentials: (u2, u0) in % of u1."""
    a = cmath.exp(2j * math.pi / 3)
    u = [r * cmath.exp(1j * math.radians(d)) for r, d in zip(volts, degrees, strict=True)]
    zero, one, two = (
        sum(a ** (k * n) * u[k] for k in range(3)) / 3 for n in range(3)
    )
    return 100 * abs(two) / abs(one), 100 * abs(zero) / abs(one)


def line_unbalance(sides: Sequence[float]) -> float:
    """The triangle with these sides drawn by the law of cosines, then Fortescue."""
    a, b, c = sides
    if a + b <= c or b + c <= a or c + a <= b:
        return math.nan
    cosine = (a * a + b * b - c * c) / (2 * a * b)
    turn = math.pi - math.acos(max(-1.0, min(1.0, cosine)))
    one = complex(a, 0)
    two = b * cmath.exp(-1j * turn)
    three = -(one + two)
    w = cmath.exp(2j * math.pi / 3)
    positive, negative = one + w * two + w * w * three, one + w * w * two + w * three
    return 100 * abs(negative) / abs(positive)


def thd(fundamental: float, harmonics: Mapping[int, float]) -> float:
    """Root of the sum of squares over the fundamental."""
    return 100 * math.hypot(*[u for h, u in harmonics.items() if 2 <= h <= 40]) / fundamental


def threshold(daily: Sequence[float]) -> float:
    """exp of mean + 2.5 sample deviations of the logarithms of what is above zero."""
    logs = [math.log(x) for x in daily if x > 0]
    return math.exp(statistics.fmean(logs) + 2.5 * statistics.stdev(logs))


def step(length_s: float, customers: int, again: bool) -> tuple[float, float, float]:
    """Customer interruptions, customer minutes, momentary ones of one step."""
    counted = 0 if again else customers
    if length_s > 300:
        return counted, customers * length_s / 60, 0
    return 0, 0, counted


def known_mean(
    energy: Sequence[float], unknown: float, worth: Sequence[float], over_all: bool
) -> float:
    """Mean of what is known of the sources, over what is known, or over all; none beyond 5 %."""
    known = [(e, x) for e, x in zip(energy, worth, strict=True) if not math.isnan(x)]
    total, had = sum(energy) + unknown, sum(e for e, _ in known)
    if had <= 0 or math.isinf(total) or total - had > 0.05 * total:
        return math.nan
    return sum(e * x for e, x in known) / (total if over_all else had)


def hour_energy(hours: Mapping[int, tuple[int, int, float]], hour: int) -> tuple[float, float]:
    """(kWh, unknown kWh) of an hour; hours: readings, minutes with readings, and their sum in kW.

    Without 45 minutes the most that one of the 24 hours before had is unknown.
    """
    means = {h: kw / n for h, (n, minutes, kw) in hours.items() if minutes >= 45}
    if hour in means:
        return means[hour], 0.0
    return 0.0, max((means[h] for h in means if hour - 24 <= h < hour), default=math.inf)


def month_so_far(
    days: dict[int, tuple[list[float], list[int]]], day: int, month: int
) -> tuple[list[float], list[float], list[int]]:
    """Peak, its end in Unix s, load factor of the month up to a day, and of that day alone.

    days: by day, kW of each block (NaN incomplete) and the Unix minute of its end (0: not owed).
    """
    def factor(known: list[int]) -> tuple[float, float, int]:
        blocks = [x for d in known for x in days[d][0] if not math.isnan(x)]
        owed = sum(1 for d in known for end in days[d][1] if end)
        share = len(blocks) / max(owed, 1)
        if not owed or 4 * len(blocks) < 3 * owed:
            return math.nan, share, len(blocks)
        total = 0.0
        for d in known:
            total += sum(x for x in days[d][0] if not math.isnan(x))
        hours = len(blocks) / 4
        return load_factor(total / 4, max(blocks), hours), share, len(blocks)

    known = [d for d in sorted(days) if month <= d <= day]
    ended = [(x, end) for d in known for x, end in zip(*days[d], strict=True) if not math.isnan(x)]
    best = max((x for x, _ in ended), default=math.nan)
    at = next((end * 60.0 for x, end in ended if x == best), math.nan)
    of_month, of_day = factor(known), factor([day])
    value = [best, at, of_month[0], of_day[0]]
    return (value, [of_day[1], of_day[1], of_month[1], of_day[1]],
            [of_day[2], of_day[2], of_month[2], of_day[2]])
