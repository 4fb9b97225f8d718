"""Air indicators of the catalogue beyond the US index; see `engine.catalogue`.

Each tuple is appended to `INDICATORS` as it stands: within one, too, entries are only appended.
"""

from engine.conversion import CONVERTED_MARK
from engine.indicator import INF, Indicator, Level

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
    CONVERTED_MARK["eu"],
)
_EAQI_SET_MARK = (
    "the set of pollutants (NO2 and a PM, O3 where it is measured) is that of the 2019 edition",
)


def _eaqi_part(id: str, name: str) -> Indicator:
    return Indicator(
        "air", f"eaqi_2024_{id}", f"European AQI 2024 of {name}", "1", 0, _EAQI, _EAQI_CLAUSE,
        "hourly mean in µg/m³, rounded to an integer; band 1 (good) to 6", 3600, 3600,
        EAQI_LEVELS, 3, "worst", "low", open_marks=_EAQI_MARKS,
    )


EAQI = (
    Indicator(
        "air", "eaqi_2024", "European AQI 2024", "1", 0, _EAQI, _EAQI_CLAUSE,
        "worst band of the pollutants' hourly means; needs NO2 and a PM, and O3 where measured; "
        "nothing is filled in by a model", 3600, 3600, EAQI_LEVELS, 3, "worst", "low",
        headline=True, open_marks=_EAQI_MARKS + _EAQI_SET_MARK,
    ),
    _eaqi_part("pm25", "PM2.5"), _eaqi_part("pm10", "PM10"), _eaqi_part("o3", "O₃"),
    _eaqi_part("so2", "SO₂"), _eaqi_part("no2", "NO₂"),
)
