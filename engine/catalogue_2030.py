"""Air against the limit values of the EU from 2030 on, beside those of today: names and rules."""

from engine.catalogue_air import AMBIENT_MARK, CONVERTED_MARK, NAMES
from engine.catalogue_limits import REPLACED_MARK
from engine.indicator import INF, OURS, Indicator, Level
from engine.limits_2030 import (
    DAY_LIMITS_2030,
    DAY_PARTS_2030,
    DAYS_ALLOWED_2030,
    HOUR_PARTS_2030,
    HOURS_ALLOWED_2030,
    YEAR_LIMITS,
    YEAR_LIMITS_2030,
    YEAR_PARTS_EU,
)
from engine.pollutants import CO, NO2, PM10, PM25, SO2

_ID = {PM25: "pm25", PM10: "pm10", SO2: "so2", NO2: "no2", CO: "co"}
_HOUR_LIMITS = {NO2: 200, SO2: 350}
_EU = "Directive (EU) 2024/2881, limit values from 1 January 2030"
_BOTH = "Directive 2008/50/EC until 2030, (EU) 2024/2881 from then on"
_UNREAD = (
    "numbers from memory, the Commission's proposal and airclim: the directive itself was not read"
)
_KNOWN = "of days or hours that are known, so at least so many"
_ROLLING = "the year is the last 365 days: provisional until it is a calendar year's"
_CO_MARK = "how many days of CO are allowed our source does not say: none is taken"
_SO2_MARK = "until 2030 there is no annual limit value of SO2 for health: one word stands for both"
_GOOD, _FAIR, _BAD = "#1A9850", "#FEE08B", "#D73027"


def _marks(part: int, *more: str) -> tuple[str, ...]:
    return (_UNREAD, *(AMBIENT_MARK if part in (PM25, PM10) else (CONVERTED_MARK["eu"],)), *more)


def _above(part: int, of: str, limit: float, allowed: int, rule: str, *more: str) -> Indicator:
    unit = "mg/m³" if part == CO else "µg/m³"
    within = (Level("Within what is allowed", _FAIR, allowed),) if allowed else ()
    levels = (
        Level("None", _GOOD, 0), *within,
        Level("More than allowed" if allowed else "Exceeded", _BAD, INF),
    )
    clause = f"limit value of {'a day' if of == 'days' else 'an hour'}"
    return Indicator(
        "air", f"eu2030_{of}_{_ID[part]}",
        f"{of.capitalize()} of {NAMES[_ID[part]]} above {limit:g} {unit}, this year (2030)", of, 0,
        _EU, f"{clause}: {allowed} a year" if allowed else clause,
        f"{rule}, above {limit:g} {unit}", 86_400, 365 * 86_400, levels, len(levels) - 1, "worst",
        "low", OURS, open_marks=_marks(part, _KNOWN, *more),
    )


def _year(part: int) -> Indicator:
    new, old = YEAR_LIMITS_2030[part], YEAR_LIMITS.get(part)
    today = () if old is None else (Level("Within the limit until 2030", _FAIR, old),)
    levels = (
        Level("Within the limit of 2030", _GOOD, new), *today,
        Level("Above the limit of 2030" if old is None else "Above the limit", _BAD, INF),
    )
    marks = _marks(part, REPLACED_MARK, _ROLLING, *((_SO2_MARK,) if part == SO2 else ()))
    until = f"{old:g} µg/m³ until 2030, " if old is not None else ""
    return Indicator(
        "air", f"eu_year_{_ID[part]}", f"{NAMES[_ID[part]]} against the EU, year", "µg/m³", 1,
        _BOTH,
        f"limit value of a year: {until}{new:g} µg/m³ from 2030 on",
        "mean of the hours of the last 365 civil days, 90 % of 8760 needed", 86_400, 365 * 86_400,
        levels, len(levels) - 1, "worst", "low", OURS, open_marks=marks,
    )


_DAY_RULE = "civil days since 1 January: mean of the day, 18 hours needed"
_HOUR_RULE = "hours of the civil days since 1 January: mean of the hour, 45 minutes needed"

AIR_2030: tuple[Indicator, ...] = (
    *(_above(part, "days", DAY_LIMITS_2030[part], DAYS_ALLOWED_2030[part], _DAY_RULE,
             *((_CO_MARK,) if part == CO else ())) for part in DAY_PARTS_2030),
    *(_above(part, "hours", _HOUR_LIMITS[part], HOURS_ALLOWED_2030[part], _HOUR_RULE)
      for part in HOUR_PARTS_2030),
    *map(_year, YEAR_PARTS_EU),
)
