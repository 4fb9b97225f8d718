"""Indicators of data quality beside the completeness of an hour: names, levels and rules."""

from engine.indicator import INF, OURS, Indicator, Level

FLAT_LEVELS = (Level("Moves", "#1A9850", 0), Level("Stuck", "#D73027", INF))
_OURS = "Cityvitals data quality"
_SPANS = (
    "the limits are this project's; those of QARTOD's manual and of WMO are known from memory, and "
    "are not taken"
)
_PEMS = "four hours of an occupancy above 0 as PeMS has them, known from another project's code"
BANDS_MARK = "bands are this project's"


def entries(completeness: tuple[Level, ...]) -> tuple[Indicator, ...]:
    """The entries in their stored order; `completeness`: the levels of a share of readings."""
    return (
        Indicator(
            "dq", "completeness_24h", "Completeness, 24 h", "%", 1, f"{_OURS} 5.4",
            "valid readings / expected readings", "the newest 24 hours, each at most what it owes",
            3600, 86_400, completeness, 2, "mean", "high", OURS, open_marks=(BANDS_MARK,),
        ),
        Indicator(
            "dq", "flat_line", "Series that seem stuck", "series", 0,
            f"{_OURS} 5.2 and 5.3, after QARTOD flat line",
            "range of the readings of the newest whole hours < tolerance",
            "hours and tolerance by quantity; every hour with two readings", 3600, 4 * 3600,
            FLAT_LEVELS, 1, "sum", "low", OURS, open_marks=(_SPANS, _PEMS),
        ),
        Indicator(
            "dq", "completeness_30d", "Completeness, 30 d", "%", 1, f"{_OURS} 5.4",
            "valid readings / expected readings",
            "the newest 30 days in standard time, each at most what it owes",
            86_400, 30 * 86_400, completeness, 2, "mean", "high", OURS, open_marks=(BANDS_MARK,),
        ),
    )


PROMPT_LEVELS = (Level("Prompt", "#1A9850", 5), Level("Slow", "#FEE08B", 60),
                 Level("Late", "#D73027", INF))
FEW_LEVELS = (Level("Few", "#1A9850", 1), Level("Some", "#FEE08B", 10),
              Level("Many", "#D73027", INF))
_RECEIPT = "hours of receipt in standard time; not told of recordings and simulated pasts"
_EIGHTH = "of a histogram in eighths of octaves: off by an eighth at most"


def _came(
    id: str, name: str, unit: str, digits: int, *words: str, slow: bool = False
) -> Indicator:
    clause, rule, *marks = words
    return Indicator(
        "dq", id, name, unit, digits, f"{_OURS} 5.4", clause, f"{rule}; {_RECEIPT}", 3600, 3600,
        PROMPT_LEVELS if slow else FEW_LEVELS, 2, "worst" if slow else "mean", "low", OURS,
        open_marks=(BANDS_MARK, *marks),
    )


TIMELINESS: tuple[Indicator, ...] = (
    *(
        _came(f"latency_p{share}", f"Latency, {word}", "s", 1, "time of receipt - time of reading",
              f"percentile {share} of the readings received in the hour", _EIGHTH, slow=True)
        for share, word in ((50, "half of the readings"), (95, "95 % of the readings"),
                            (99, "99 % of the readings"))
    ),
    _came("late_share", "Late readings", "%", 1, "latency > 2 reporting periods / received",
          "readings beyond the horizon count as late"),
    _came("duplicate_rate", "Readings that came again", "%", 1,
          "duplicates / (received + duplicates)",
          "of QoS 1: by message number, else by series, time and value"),
    _came("out_of_order_rate", "Readings out of order", "%", 1, "out of order / received",
          "older than a reading of its series that came before"),
    _came("clock_ahead_share", "Readings from ahead of the clock", "%", 1,
          "latency < -2 s / received", "the sensor's clock is wrong; left out of the latency",
          "the reading itself keeps its flag: it is part of what tells a repetition"),
    _came("suspect_share", "Suspect readings", "%", 1, "QARTOD 3 and 4 / received",
          "by gross range, rate of change and spike, in the order in which they came", _SPANS),
)

DRIFT_LEVELS = (Level("Agrees", "#1A9850", 0), Level("Drifts", "#D73027", INF))

DRIFT: tuple[Indicator, ...] = (
    Indicator(
        "dq", "drift", "Sensors that seem to drift", "sensors", 0, f"{_OURS} 5.5",
        "difference to the median of the neighbours",
        "off: |median of 7 days| > the larger of 5 µg/m³ and 25 % of the neighbours' median, in "
        "each of the last 72 hours; or slope on the neighbours over 7 days outside 0.7 to 1.3; 3 "
        "neighbours of the same quantity within 2 km or correlated by more than 0.8",
        86_400, 7 * 86_400, DRIFT_LEVELS, 1, "sum", "low", OURS, open_marks=(
            "a rule of this project, modelled on US EPA's performance testing protocols: as "
            "remembered",
            "a quarter of the median of the neighbours, not of the sensor itself: our reading",
            "5 µg/m³ are meant for particles; for gases they are taken at 20 °C",
            "a median, slope or correlation of 7 days needs 75 % of their hours",
        ),
    ),
)

CHANNEL_LEVELS = (Level("Agree", "#1A9850", 0), Level("Disagree", "#D73027", INF))

CHANNELS: tuple[Indicator, ...] = (
    Indicator(
        "dq", "channels_disagree", "Sensors whose two channels disagree", "sensors", 0,
        f"{_OURS} 5.5", "two-channel check of PurpleAir sensors, hourly",
        "means of the hour of both channels differ by more than 5 µg/m³ and by more than 70 % of "
        "their mean; of sensors whose row names a correction and that send two channels", 3600,
        3600, CHANNEL_LEVELS, 1, "sum", "low", OURS, open_marks=(
            "limits as remembered of the family of rules of AirSensor and Barkjohn et al. 2021; "
            "the paper's own are 5 µg/m³ and 61 %, of 24 hours",
        ),
    ),
)
