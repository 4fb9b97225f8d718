"""Air indicators of the catalogue beyond the US index; see `engine.catalogue`.

Each tuple is appended to `INDICATORS` as it stands: within one, too, entries are only appended.
"""

import numpy as np

from engine.indicator import INF, OURS, PLAIN, Indicator, Level
from engine.who import LEVELS, target_names, who_ratios

CONVERTED_MARK = {
    "who": "ppb to µg/m³ at 25 °C and 101.325 kPa: from memory of US EPA practice",
    "eu": "ppb to µg/m³ at 20 °C and 101.3 kPa: 2008/50/EC Annex VI.C from memory",
    "india": "ppb to µg/m³ at 25 °C and 101.325 kPa: from memory",
}
AMBIENT_MARK = ("particles as measured, at ambient conditions: EU law from memory",)
EAQI_LEVELS = (
    Level("Good", "#50F0E6", 1), Level("Fair", "#50CCAA", 2), Level("Moderate", "#F0E641", 3),
    Level("Poor", "#FF5050", 4), Level("Very poor", "#960032", 5),
    Level("Extremely poor", "#7D2181", INF),
)
EAQI_2019_WORDS = ("Good", "Fair", "Moderate", "Poor", "Very Poor", "Extremely Poor")
EAQI_2017_WORDS = ("Good", "Fair", "Moderate", "Poor", "Very poor")
DAQI_BANDS = ("Low",) * 3 + ("Moderate",) * 3 + ("High",) * 3 + ("Very High",)
_DAQI_COLOURS = (
    "#9CFF9C", "#31FF00", "#31CF00", "#FFFF00", "#FFCF00", "#FF9A00", "#FF6464", "#FF0000",
    "#990000", "#CE30FF",
)
DAQI_LEVELS = tuple(
    Level(f"{word} ({index})", colour, index if index < 10 else INF)
    for index, (word, colour) in enumerate(zip(DAQI_BANDS, _DAQI_COLOURS, strict=True), 1)
)
NAQI_LEVELS = (
    Level("Good", "#009933", 50), Level("Satisfactory", "#58FF09", 100),
    Level("Moderately Polluted", "#FFFF00", 200), Level("Poor", "#FFA500", 300),
    Level("Very Poor", "#FF0000", 400), Level("Severe", "#990000", INF),
)

_EAQI = "European Air Quality Index, edition 2024 (ETC HE Report 2024/17)"
_EAQI_CLAUSE = "table of index levels, hourly concentrations"
_EAQI_MARKS = (
    "limits as quoted by Open-Meteo (PR #2045), not read in the report itself",
    "5.4 µg/m³ is rounded half up to 5 before the limits; how the report treats it is not known",
    "colours are those of the 2019 palette, assumed kept",
)
_EAQI_SET_MARK = (
    "the set of pollutants (NO2 and a PM, O3 where it is measured) is that of the 2019 edition",
)


def _eu_conditions(id: str) -> tuple[str, ...]:
    """At which temperature and pressure a mean in µg/m³ is told."""
    return AMBIENT_MARK if id.startswith("pm") else (CONVERTED_MARK["eu"],)


def _eaqi_part(id: str, name: str) -> Indicator:
    return Indicator(
        "air", f"eaqi_2024_{id}", f"European AQI 2024 of {name}", "1", 0, _EAQI, _EAQI_CLAUSE,
        "hourly mean in µg/m³, rounded to an integer; band 1 (good) to 6", 3600, 3600,
        EAQI_LEVELS, 3, "worst", "low", open_marks=_EAQI_MARKS + _eu_conditions(id),
    )


EAQI = (
    Indicator(
        "air", "eaqi_2024", "European AQI 2024", "1", 0, _EAQI, _EAQI_CLAUSE,
        "worst band of the pollutants' hourly means; needs NO2 and a PM, and O3 where measured; "
        "nothing is filled in by a model", 3600, 3600, EAQI_LEVELS, 3, "worst", "low",
        headline=True,
        open_marks=(*_EAQI_MARKS, CONVERTED_MARK["eu"], *AMBIENT_MARK, *_EAQI_SET_MARK),
    ),
    _eaqi_part("pm25", "PM2.5"), _eaqi_part("pm10", "PM10"), _eaqi_part("o3", "O₃"),
    _eaqi_part("so2", "SO₂"), _eaqi_part("no2", "NO₂"),
)

_DAQI = "UK Daily Air Quality Index (COMEAP 2011; Defra, update of April 2013)"
_DAQI_CLAUSE = "table of bands"
_DAQI_MARKS = (
    "limits of O3, SO2 and particles: from another project's code and from memory; of NO2 read on "
    "uk-air.defra.gov.uk", "halves are rounded upwards: assumed",
)
_SO2_MARK = (
    "of SO2 the highest of the hour's four 15-min means, three of them needed: our reading",
)
_DAQI_WHOLE = (*_DAQI_MARKS, CONVERTED_MARK["eu"], *AMBIENT_MARK, *_SO2_MARK)


def _daqi_part(id: str, name: str, mean: str, marks: tuple[str, ...] = ()) -> Indicator:
    hours = 24 if mean.startswith("running 24") else 8 if mean.startswith("running 8") else 1
    return Indicator(
        "air", f"daqi_uk_{id}", f"UK DAQI of {name}", "1", 0, _DAQI, _DAQI_CLAUSE,
        f"{mean} in µg/m³, rounded to an integer; index 1 (low) to 10", 3600, hours * 3600,
        DAQI_LEVELS, 3, "worst", "low", open_marks=_DAQI_MARKS + _eu_conditions(id) + marks,
    )


DAQI = (
    Indicator(
        "air", "daqi_uk", "UK DAQI", "1", 0, _DAQI, _DAQI_CLAUSE,
        "highest index of the pollutants in the hour", 3600, 86_400, DAQI_LEVELS, 3, "worst", "low",
        open_marks=_DAQI_WHOLE,
    ),
    _daqi_part("pm25", "PM2.5", "running 24-h mean, 18 hours needed,"),
    _daqi_part("pm10", "PM10", "running 24-h mean, 18 hours needed,"),
    _daqi_part("o3", "O₃", "running 8-h mean, 6 hours needed,"),
    _daqi_part("so2", "SO₂", "15-min mean", _SO2_MARK),
    _daqi_part("no2", "NO₂", "mean of the hour"),
)

WHO = "WHO global air quality guidelines, September 2021"
_LEVELS_MARK = (
    "levels from airclim, KAPSARC and State of Global Air, which agree; not read in WHO's own text"
)
NAMES = {"pm25": "PM2.5", "pm10": "PM10", "o3": "O₃", "so2": "SO₂", "no2": "NO₂", "co": "CO"}
_TIER_COLOURS = ("#1A9850", "#91CF60", "#D9EF8B", "#FEE08B", "#FC8D59", "#D73027")
_UNMET = "No target met"


def who_marks(pollutant: str) -> tuple[str, ...]:
    """What is not confirmed of a pollutant against WHO; particles are not converted."""
    gas = () if pollutant.startswith("pm") else (CONVERTED_MARK["who"],)
    return (_LEVELS_MARK, *gas)


def tiers(pollutant: str, average: str) -> tuple[Level, ...]:
    """The strictest level that is met: of a ratio to the guideline level."""
    limits = LEVELS[pollutant, average]
    uppers = who_ratios(np.array(limits, np.float64), np.array(limits[0], np.float64)).tolist()
    names = target_names(pollutant, average)
    colours = [_TIER_COLOURS[0], *_TIER_COLOURS[-len(names) :]]
    return tuple(
        Level(name if name == _UNMET else f"{name} met", colour, upper)
        for name, colour, upper in zip((*names, _UNMET), colours, (*uppers, INF), strict=True)
    )


def _who_day(pollutant: str) -> Indicator:
    average = "8h" if pollutant == "o3" else "24h"
    limit = LEVELS[pollutant, average][0]
    unit = "mg/m³" if pollutant == "co" else "µg/m³"
    mean = (
        "mean of the civil day, 18 hours needed" if average == "24h"
        else "largest running 8-h mean that ends in the civil day, 18 of its 24 needed"
    )
    return Indicator(
        "air", f"who_{pollutant}_{average}", f"{NAMES[pollutant]} against WHO, {average[:-1]} h",
        "1", 2, WHO, f"guideline level {limit:g} {unit}, interim targets", f"{mean}, / {limit:g}",
        86_400, 86_400, tiers(pollutant, average), 1, "worst", "low", OURS,
        open_marks=who_marks(pollutant),
    )


DAYS_LEVELS = (
    Level("None", "#1A9850", 0), Level("Tolerated", "#FEE08B", 3), Level("Too many", "#D73027", INF)
)


def _who_days(pollutant: str) -> Indicator:
    average = "8h" if pollutant == "o3" else "24h"
    return Indicator(
        "air", f"who_days_{pollutant}", f"Days of {NAMES[pollutant]} above WHO, this year",
        "days", 0, WHO, "99th percentile of the year: 3 to 4 days above are tolerated",
        f"civil days since 1 January with air.who_{pollutant}_{average} above 1", 86_400,
        365 * 86_400, DAYS_LEVELS, 2, "worst", "low", OURS,
        open_marks=(*who_marks(pollutant), "of days that are known, so at least so many; the "
                    "fourth day counts as too many"),
    )


_U4SSC = "U4SSC EN:EN:AQ:1C, Verification Manual 2022 p. 85"
_ROLLING_MARK = ("the year is the last 365 days: provisional until it is a calendar year's",)


def _year(pollutant: str) -> Indicator:
    of_gas = "" if pollutant.startswith("pm") else ", by the factors printed there"
    return Indicator(
        "air", f"year_{pollutant}", f"{NAMES[pollutant]}, mean of a year", "µg/m³", 1, _U4SSC,
        f"annual mean{of_gas}", "mean of the hours of the last 365 civil days, 75 % of 8760 needed",
        86_400, 365 * 86_400, PLAIN, None, "station_mean", "low", open_marks=_ROLLING_MARK,
    )


def _who_year(pollutant: str) -> Indicator:
    limit = LEVELS[pollutant, "annual"][0]
    return Indicator(
        "air", f"who_{pollutant}_year", f"{NAMES[pollutant]} against WHO, year", "1", 2, WHO,
        f"annual guideline level {limit:g} µg/m³, interim targets",
        f"mean of the hours of the last 365 civil days, 90 % of 8760 needed, / {limit:g}", 86_400,
        365 * 86_400, tiers(pollutant, "annual"), 1, "worst", "low", OURS,
        open_marks=who_marks(pollutant) + _ROLLING_MARK,
    )


_DAILY = ("pm25", "pm10", "o3", "so2", "no2", "co")
AIR_DAYS = (
    Indicator(
        "air", "daqi_uk_day", "UK DAQI of the day", "1", 0, _DAQI, _DAQI_CLAUSE,
        "highest index of the hours that end in the civil day, 75 % of them needed", 86_400, 86_400,
        DAQI_LEVELS, 3, "worst", "low", open_marks=_DAQI_WHOLE,
    ),
    *map(_who_day, _DAILY), *map(_who_days, _DAILY),
    *map(_year, _DAILY[:5]), *map(_who_year, ("pm25", "pm10", "no2")),
)

PURPLEAIR = (
    Indicator(
        "air", "pm25_purpleair_epa", "PM2.5 of PurpleAir sensors, corrected", "µg/m³", 1,
        "Barkjohn et al. 2021 (AMT 14, 4617); AirNow Fire and Smoke Map",
        "purpleair-cf1: the line of the paper; purpleair-atm: the piecewise form of the map",
        "of the hour's mean of both channels and of relative humidity; none without humidity, with "
        "a silent channel, or where the channels disagree (dq.channels_disagree)", 3600, 3600,
        PLAIN, None, "station_mean", "low", open_marks=(
            "the paper's line was fitted to means of 24 hours; here it is applied to each hour",
            "the piecewise form from the code of AirSensor2, not read in EPA's own text",
            "below zero as zero: said of the piecewise form, taken for the line as well",
            "the limits by which channels disagree: from memory (dq.channels_disagree)",
        ),
    ),
)
