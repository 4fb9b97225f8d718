"""Air against the limit values of the EU, and WHO's peak season: names, levels and rules."""

from engine.catalogue_air import AMBIENT_MARK, CONVERTED_MARK, NAMES, WHO, tiers, who_marks
from engine.indicator import INF, OURS, Indicator, Level

_EU = "Directive 2008/50/EC, Annexes XI and XII"
_FORCE_MARK = "these values hold until 1 January 2030, then those of Directive (EU) 2024/2881"
REPLACED_MARK = "2024/2881 takes the place of 2008/50/EC from December 2026 on: from memory"
_NONE, _OVER = Level("None", "#1A9850", 0), "#D73027"
_KNOWN_MARK = "of days or hours that are known, so at least so many"
_MEMORY_MARK = "limit and number allowed: from memory of Annexes XI and XII"
_READ = ("pm10", "days")
"""What was read: on pages of the EEA and of airclim."""
_THREE_YEARS = "the target allows 25 days a year as a mean of three years: here of this year alone"


def _levels(allowed: int) -> tuple[Level, ...]:
    if not allowed:
        return (_NONE, Level("Exceeded", _OVER, INF))
    return (_NONE, Level("Within what is allowed", "#FEE08B", allowed),
            Level("More than allowed", _OVER, INF))


def _above(pollutant: str, of: str, limit: str, allowed: int, clause: str, mean: str,
           *marks: str, id: str = "") -> Indicator:
    levels = _levels(allowed)
    memory = () if (pollutant, of) == _READ else (_MEMORY_MARK,)
    converted = AMBIENT_MARK if pollutant == "pm10" else (CONVERTED_MARK["eu"],)
    return Indicator(
        "air", id or f"eu_{of}_{pollutant}",
        f"{of.capitalize()} of {NAMES[pollutant]} above {limit}, this year", of, 0, _EU, clause,
        f"civil {of} since 1 January: {mean}, above {limit}" if of == "days"
        else f"hours of the civil days since 1 January: {mean}, above {limit}",
        86_400, 365 * 86_400, levels, len(levels) - 1, "worst", "low", OURS,
        open_marks=(*memory, *converted, _FORCE_MARK, REPLACED_MARK, _KNOWN_MARK, *marks),
    )


_DAY_MEAN = "mean of the day, 18 hours needed"
_HIGHEST = "largest running 8-h mean that ends in the day, 18 of its 24 needed"
_HOUR_MEAN = "mean of the hour, 45 minutes needed"
_LEVEL = 60
_SEASON = Indicator(
    "air", "who_o3_season", "O₃ against WHO, peak season", "1", 2, WHO,
    f"guideline level {_LEVEL} µg/m³, interim targets",
    "mean of the days' largest 8-h means over the six consecutive months with the highest, of the "
    f"twelve calendar months that are over, 75 % of the days needed, / {_LEVEL}",
    86_400, 365 * 86_400, tiers("o3", "season"), 1, "worst", "low", OURS,
    open_marks=(*who_marks("o3"), "75 % of the days of the twelve months and of the six: this "
                "project's rule"),
)

AIR_LIMITS: tuple[Indicator, ...] = (
    _above("pm10", "days", "50 µg/m³", 35, "limit value of a day: 35 days a year", _DAY_MEAN),
    _above("so2", "days", "125 µg/m³", 3, "limit value of a day: 3 days a year", _DAY_MEAN),
    _above("o3", "days", "120 µg/m³", 25, "target value: 25 days a year", _HIGHEST, _THREE_YEARS),
    _above("co", "days", "10 mg/m³", 0, "limit value of the largest 8-h mean", _HIGHEST),
    _above("no2", "hours", "200 µg/m³", 18, "limit value of an hour: 18 hours a year", _HOUR_MEAN),
    _above("so2", "hours", "350 µg/m³", 24, "limit value of an hour: 24 hours a year", _HOUR_MEAN),
    _above("o3", "hours", "180 µg/m³", 0, "information threshold", _HOUR_MEAN),
    _SEASON,
)

AIR_ALERT: tuple[Indicator, ...] = (
    _above("o3", "hours", "240 µg/m³", 0, "alert threshold", _HOUR_MEAN, id="eu_alert_hours_o3"),
)
