"""The indicators that are built: names, standards, levels and rules, as data.

The order of `INDICATORS` is stored (points, snapshots), so entries are only appended.
Colours and words are the standard's own; where a standard names no colour, `colour_source`
says whose they are. Level 0 is best.
"""

from engine import catalogue_traffic
from engine.catalogue_2030 import AIR_2030
from engine.catalogue_air import AIR_DAYS, DAQI, EAQI, PURPLEAIR
from engine.catalogue_energy import (
    CONSUMPTION,
    ENERGY,
    FREQUENCY,
    GENERATION,
    RELIABILITY,
    SUPPLY,
)
from engine.catalogue_limits import AIR_ALERT, AIR_LIMITS
from engine.catalogue_noise import NOISE
from engine.catalogue_quality import BANDS_MARK, CHANNELS, DRIFT, TIMELINESS
from engine.catalogue_quality import entries as quality_entries
from engine.indicator import INF, OURS, PLAIN, Indicator, Level
from engine.own import OWN

AQI_LEVELS = (
    Level("Good", "#00E400", 50), Level("Moderate", "#FFFF00", 100),
    Level("Unhealthy for Sensitive Groups", "#FF7E00", 150), Level("Unhealthy", "#FF0000", 200),
    Level("Very Unhealthy", "#8F3F97", 300), Level("Hazardous", "#7E0023", INF),
)
TTI_LEVELS = (
    Level("Good", "#1A9850", 1.5), Level("Potentially Acceptable", "#FEE08B", 2.5),
    Level("Less Desirable", "#D73027", INF),
)
COMPLETENESS_LEVELS = (
    Level("Good", "#1A9850", INF), Level("Acceptable", "#FEE08B", 90), Level("Poor", "#D73027", 75)
)
"""For completeness higher is better: `upper` is the value below which the level holds."""

_EPA = "40 CFR Part 58 Appendix G (89 FR 16202, effective 2024-05-06)"
_EPA_TAD = "EPA-454/B-24-002, table of breakpoints"
_AQI_MARKS = (
    "completeness 18 of 24 h, 6 of 8 h, 75 % of an hour: from memory of App. N/U",
    "an index of exactly one half is rounded up; EPA says only nearest integer",
    "breakpoints as four independent projects have them; EPA's own document was read in part",
)
_PARTICLES_MARK = (
    "particles as measured, at ambient conditions: of PM2.5 as the rule has it, of PM10 the rule "
    "means 25 °C and 1 atm: from memory",
)


def _sub_index(id: str, name: str, rule: str, marks: tuple[str, ...] = ()) -> Indicator:
    return Indicator(
        "air", id, name, "1", 0, _EPA, _EPA_TAD, rule, 3600, 86_400, AQI_LEVELS, 2, "worst",
        "low", open_marks=_AQI_MARKS + marks,
    )


_SO2_MARK = (
    "SO2 of 1 h >= 305 ppb gives 200 while the 24-h mean is < 305 ppb: from memory of the TAD; "
    "and so where the 24-h mean is insufficient: our reading",
)
_O3_MARK = (
    "8-h mean above 0.200 ppm: the 1-h index alone, none below 0.125 ppm: the table to the letter",
)
_NOWCAST = "EPA fact sheet P100X0J6, Transitioning to a new NowCast method (2013)"
_NOWCAST_RULE = (
    "12 hourly means weighted by w^age, w = max(min/max, 0.5); 2 of the latest 3 hours needed"
)
_DEMAND = "Utility practice: demand interval of 15 minutes"

INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "air", "us_aqi", "US AQI", "1", 0, _EPA, _EPA_TAD,
        "worst of the pollutant sub-indices; PM by NowCast", 3600, 86_400, AQI_LEVELS, 2,
        "worst", "low", headline=True,
        open_marks=(*_AQI_MARKS, *_SO2_MARK, *_O3_MARK, *_PARTICLES_MARK),
    ),
    _sub_index("us_aqi_pm25", "US AQI of PM2.5", "NowCast cut to 0.1 µg/m³, 24-h breakpoints",
               _PARTICLES_MARK),
    _sub_index("us_aqi_pm10", "US AQI of PM10", "NowCast cut to 1 µg/m³, 24-h breakpoints",
               _PARTICLES_MARK),
    _sub_index("us_aqi_o3", "US AQI of O₃", "larger of 8-h and, from 0.125 ppm, 1-h", _O3_MARK),
    _sub_index("us_aqi_co", "US AQI of CO", "8-h mean cut to 0.1 ppm"),
    _sub_index("us_aqi_so2", "US AQI of SO₂", "1-h mean; from 305 ppb the 24-h mean", _SO2_MARK),
    _sub_index("us_aqi_no2", "US AQI of NO₂", "1-h mean cut to 1 ppb"),
    Indicator(
        "air", "nowcast_pm25", "NowCast PM2.5", "µg/m³", 1, _NOWCAST, "AirNow forum t/172",
        _NOWCAST_RULE, 3600, 43_200, PLAIN, None, "worst", "low", open_marks=_PARTICLES_MARK,
    ),
    Indicator(
        "air", "nowcast_pm10", "NowCast PM10", "µg/m³", 0, _NOWCAST, "AirNow forum t/172",
        _NOWCAST_RULE, 3600, 43_200, PLAIN, None, "worst", "low", open_marks=_PARTICLES_MARK,
    ),
    Indicator(
        "traffic", "tti", "Travel time index", "1", 2, "FHWA Urban Congestion Report",
        "travel time index = free-flow speed / space-mean speed",
        "5-minute bin; harmonic mean speed against the frozen free-flow speed",
        300, 300, TTI_LEVELS, 1, "vmt_weighted", "low", OURS, headline=True,
        open_marks=(catalogue_traffic.FREE_MARK,),
    ),
    Indicator(
        "traffic", "tti_peak", "Peak travel time index", "1", 2,
        "U4SSC EC:I:T:5A, Verification Manual 2022 p. 72; FHWA UCR",
        "mean peak travel time / free-flow travel time",
        "weekdays 6-9 and 16-19 local, 75 % of the 5-minute bins of each peak", 86_400, 86_400,
        TTI_LEVELS, 1, "vmt_weighted", "low", OURS, open_marks=(catalogue_traffic.FREE_MARK,),
    ),
    Indicator(
        "traffic", "ffs", "Free-flow speed", "km/h", 1, "FHWA Urban Congestion Report",
        "85th percentile of off-peak speeds",
        "28 days, at least 200 bins with vehicles, else the posted limit; 0.8 to 1.3 of the "
        "posted limit; frozen daily at 03:00", 86_400, 28 * 86_400, PLAIN, None,
        "vmt_weighted", "none", open_marks=(
            "off-peak hours: from memory of the UCR",
            catalogue_traffic.PERCENTILE_MARK,
            "28 days, 200 bins and the limits of 0.8 and 1.3: this project's rule",
        ),
    ),
    Indicator(
        "energy", "demand_15min", "Demand, 15-minute block", "kW", 2, _DEMAND,
        "mean power in clock-aligned 15-minute blocks", "75 % of the block's minutes needed",
        900, 900, PLAIN, None, "sum", "none", headline=True,
    ),
    Indicator(
        "energy", "demand_sliding", "Demand, sliding 15 minutes", "kW", 2, _DEMAND,
        "mean power of the trailing 15 minutes, each minute", "75 % of the minutes needed",
        60, 900, PLAIN, None, "sum", "none",
        open_marks=("sub-intervals of 1 minute: from memory of utility tariffs",),
    ),
    Indicator(
        "energy", "demand_peak", "Peak demand of the month", "kW", 2, _DEMAND,
        "largest 15-minute block of the calendar month so far", "complete blocks, at day's end",
        86_400, 31 * 86_400, PLAIN, None, "coincident", "none",
    ),
    Indicator(
        "dq", "completeness", "Completeness, 1 h", "%", 1, "Cityvitals data quality 5.4",
        "valid readings / expected readings", "expected = window / nominal period of the device",
        3600, 3600, COMPLETENESS_LEVELS, 2, "mean", "high", OURS, headline=True,
        open_marks=(BANDS_MARK,),
    ),
    Indicator(
        "air", "us_aqi_day", "US AQI of the day", "1", 0, _EPA, _EPA_TAD,
        "worst of the pollutants; PM: mean of the day; O3, CO: largest running 8-h mean that "
        "ends in the day; O3, SO2, NO2: largest hour; calendar day in local standard time",
        86_400, 86_400, AQI_LEVELS, 2, "worst", "low",
        open_marks=(*_AQI_MARKS, *_SO2_MARK, *_O3_MARK, *_PARTICLES_MARK,
                    "a largest value needs 18 of its 24 (2008/50/EC Annex VII.A.2)",
                    "the day is cut in standard time, without daylight saving: from memory"),
    ),
    Indicator(
        "energy", "demand_peak_at", "Time of the peak demand", "unix s", 0, _DEMAND,
        "end of the block that is the month's peak", "as energy.demand_peak",
        86_400, 31 * 86_400, PLAIN, None, "coincident", "none",
    ),
    *ENERGY,
    *catalogue_traffic.STATE,
    *SUPPLY,
    *catalogue_traffic.TOTALS,
    *catalogue_traffic.RELIABILITY,
    *quality_entries(COMPLETENESS_LEVELS),
    *EAQI,
    *RELIABILITY,
    *NOISE,
    *GENERATION,
    *TIMELINESS,
    *DAQI,
    *AIR_DAYS,
    *AIR_LIMITS,
    *DRIFT,
    *FREQUENCY,
    *CONSUMPTION,
    *AIR_2030,
    *PURPLEAIR,
    *CHANNELS,
    *catalogue_traffic.PERIODS,
    *AIR_ALERT,
    *(own.entry for own in OWN),
)

POSITION: dict[str, int] = {entry.key: i for i, entry in enumerate(INDICATORS)}
