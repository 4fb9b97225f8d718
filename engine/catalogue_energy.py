"""The catalogue's entries of energy beyond demand: load and power factor, supply, reliability.

They stand at the end of `engine.catalogue.INDICATORS`; entries are only appended.
"""

from engine.indicator import PLAIN, Indicator

DAY_S, MONTH_S = 86_400, 31 * 86_400
_PRACTICE = "Utility practice: demand interval of 15 minutes"
_HOURLY = (
    "the hour is this project's; meters form S over 10 cycles: products of hourly values are "
    "never smaller"
)
_RATED = "undefined below 1 % of the rated power only where the fact rated_kva says what that is"


def _load_factor(id: str, name: str, window_s: int, rule: str) -> Indicator:
    return Indicator(
        "energy", id, name, "1", 3, _PRACTICE, "energy / (peak demand * hours)", rule,
        DAY_S, window_s, PLAIN, None, "coincident", "high",
    )


def _power_factor(
    id: str, name: str, cadence_s: int, clause: str, rule: str, marks: tuple[str, ...]
) -> Indicator:
    return Indicator(
        "energy", id, name, "1", 3, "IEEE 1459, as utilities bill it", clause, rule, cadence_s,
        cadence_s, PLAIN, None, "energy_weighted", "high", open_marks=marks,
    )


ENERGY: tuple[Indicator, ...] = (
    _load_factor(
        "load_factor", "Load factor of the month", MONTH_S,
        "15-minute blocks of the calendar month so far, 75 % of them needed; hours are those of "
        "the complete blocks",
    ),
    _load_factor(
        "load_factor_day", "Load factor of the day", DAY_S,
        "15-minute blocks of the civil day, 75 % of them needed; hours are those of the complete "
        "blocks",
    ),
    _power_factor(
        "power_factor", "Power factor, vector", 3600, "true power factor |P| / S",
        "S = sqrt((sum of P)^2 + (sum of Q)^2) over the phases; hourly means, 75 % of the minutes",
        (_HOURLY, _RATED),
    ),
    _power_factor(
        "power_factor_arithmetic", "Power factor, arithmetic", 3600, "true power factor |P| / S",
        "S = sum over the phases of rms voltage * rms current; hourly values, 75 % of the minutes",
        (_HOURLY, _RATED),
    ),
    _power_factor(
        "power_factor_period", "Power factor of the day, from energies", DAY_S,
        "kWh / sqrt(kWh^2 + kvarh^2)",
        "energies are the sums of hourly means of power and reactive power over the civil day, "
        "75 % of its hours needed",
        ("energies from power readings: registers of reactive energy are not among the "
         "quantities",),
    ),
)
