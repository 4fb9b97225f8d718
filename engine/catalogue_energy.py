"""The catalogue's entries of energy beyond demand: load and power factor, supply, reliability.

`engine.catalogue.INDICATORS` takes each tuple where it was first put; none grows any more.
"""

from typing import Literal, cast

from engine.indicator import INF, OURS, PLAIN, Area, Indicator, Level

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


_EN = "EN 50160:2010 (+A1 to A3), 2022"
_61000 = "IEC 61000-4-30"
_EDITIONS = (
    "limits as vendors' notes print them (Schneider PM8000, Rockwell, NI); editions from memory: "
    "neither the standard nor what its edition of 2022 changed was read"
)
_FLAGGED = (
    "intervals with dips or interruptions are left out as far as the meter flags them (4 or 9)"
)
_CONNECTED = "of grids that are synchronously connected; an island is held to wider limits"
_THREE = (
    "the formula of three voltages is from memory of IEC 61000-4-30, and for voltages between "
    "phases: of voltages to neutral it is exact without zero sequence alone"
)
_WEEKLY = "a week needs 90 % of its intervals: this project's rule, the standard is silent"
_TENS = "an interval of ten minutes needs 75 % of its minutes: this project's rule"


def _held(upper: float) -> tuple[Level, ...]:
    return Level("Compliant", "#1A9850", upper), Level("Not compliant", "#D73027", INF)


def _week(id: str, name: str, unit: str, digits: int, upper: float, *words: str) -> Indicator:
    clause, rule, *marks = words
    return Indicator(
        "energy", id, name, unit, digits, _EN, clause, rule, DAY_S, 7 * DAY_S, _held(upper), 1,
        "worst", "low", OURS, open_marks=(_EDITIONS, _WEEKLY, _TENS, *marks),
    )


def _measured(
    id: str, name: str, unit: str, seconds: int, levels: tuple[Level, ...], *words: str
) -> Indicator:
    standard, clause, rule, *marks = words
    return Indicator(
        "energy", id, name, unit, 2, standard, clause, rule, seconds, seconds, levels,
        1 if len(levels) > 1 else None, "worst", "low", OURS if len(levels) > 1 else "",
        open_marks=(*((_EDITIONS,) if len(levels) > 1 else ()), _TENS, *marks),
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

SUPPLY: tuple[Indicator, ...] = (
    _week(
        "en50160_voltage", "Supply voltage of the week", "1", 0, 0.0, "voltage variation",
        "0 if compliant, else 1: per phase N1/N <= 5 % outside +-10 %, and none outside +10/-15 %, "
        "of the 10-minute rms values of seven days", _FLAGGED, _CONNECTED,
    ),
    _week(
        "en50160_outside", "Voltage outside 10 %, of the week", "%", 2, 5.0, "voltage variation",
        "100 * N1/N of the worst phase", _FLAGGED, _CONNECTED,
    ),
    _week(
        "en50160_far", "Intervals outside +10/-15 %, of the week", "1", 0, 0.0,
        "voltage variation", "N2 of the worst phase", _FLAGGED, _CONNECTED,
    ),
    _week(
        "en50160_unbalance", "Unbalance above 2 %, of the week", "%", 2, 5.0, "supply unbalance",
        "share of the 10-minute values above 2 %; at most 5 %", _THREE,
    ),
    _week(
        "en50160_thd", "Distortion above 8 %, of the week", "%", 2, 5.0, "harmonic voltage",
        "share of the 10-minute values of the worst phase above 8 %; at most 5 %",
        "limits of single harmonics are in the engine, but meters do not report them",
    ),
    _week(
        "en50160_flicker", "Flicker above 1, of the week", "%", 2, 5.0, "flicker severity",
        "share of the 2-hour values Plt of the worst phase above 1; at most 5 %",
    ),
    _measured(
        "rms_deviation_under", "Underdeviation of the day", "%", DAY_S, PLAIN, _61000,
        "(Udin - sqrt(mean(min(u, Udin)^2))) / Udin",
        "10-minute rms values of the civil day, worst phase; 75 % of them needed",
    ),
    _measured(
        "rms_deviation_over", "Overdeviation of the day", "%", DAY_S, PLAIN, _61000,
        "(sqrt(mean(max(u, Udin)^2)) - Udin) / Udin",
        "10-minute rms values of the civil day, worst phase; 75 % of them needed",
    ),
    _measured(
        "unbalance", "Voltage unbalance", "%", 600, _held(2.0), _61000,
        "negative over positive sequence, u2",
        "10-minute values; by Fortescue where angles are measured, else from three voltages",
        _THREE,
    ),
    _measured(
        "thd", "Distortion of voltage", "%", 600, _held(8.0), _61000,
        "sqrt(sum of U_h^2, h = 2 to 40) / U_1",
        "10-minute rms of what the meter reports, of the worst phase",
    ),
    _measured(
        "flicker_plt", "Long-term flicker", "1", 7200, _held(1.0), "IEC 61000-4-15",
        "Plt = cbrt(sum of Pst^3 / 12)", "12 values of ten minutes, all needed; the worst phase",
    ),
)

_IEEE = "IEEE 1366-2012"
_SUSTAINED = "interruptions longer than 5 minutes, steps of a staged restoration by their own"
_REPORTED = "counted from the first interruption that the city reported: earlier days are not known"
_PERIODS = (
    ("", "12 months", 365 * DAY_S, "the 365 days up to each day; 90 % of them must be known"),
    ("_month", "month to date", MONTH_S, "the calendar month up to each day"),
    ("_ytd", "year to date", 366 * DAY_S, "the calendar year up to each day"),
)
_INDICES = (
    ("saifi", "SAIFI", "1", 3, "sum of N_i / N_T", "interruptions per customer: " + _SUSTAINED,
     "customer_weighted"),
    ("saidi", "SAIDI", "min", 2, "sum of r_i * N_i / N_T", "minutes per customer: " + _SUSTAINED,
     "customer_weighted"),
    ("maifi", "MAIFI", "1", 3, "momentary customer interruptions / N_T",
     "interruptions of up to 5 minutes per customer", "customer_weighted"),
    ("caidi", "CAIDI", "min", 1, "SAIDI / SAIFI", "minutes per interruption (U4SSC EC:I:ES:2C)",
     "interruption_weighted"),
)


def _index(
    id: str, name: str, unit: str, digits: int, window_s: int, clause: str, rule: str, area: Area,
    *marks: str, better: Literal["low", "high"] = "low",
) -> Indicator:
    return Indicator(
        "energy", id, name, unit, digits, _IEEE, clause, rule, DAY_S, window_s, PLAIN, None, area,
        better, open_marks=(_REPORTED, *marks),
    )


_FIVE_YEARS = "valid after one year of days, five by the standard: as remembered"
_SYSTEM = "the system is the area; the day of an interruption is that on which it began"

RELIABILITY: tuple[Indicator, ...] = (
    *(
        _index(f"{id}{tail}", f"{name}, {words}", unit, digits, window_s, clause,
               f"{what}; {rule}", cast(Area, area))
        for tail, words, window_s, rule in _PERIODS
        for id, name, unit, digits, clause, what, area in _INDICES
    ),
    _index(
        "asai", "ASAI, 12 months", "1", 6, 365 * DAY_S, "1 - SAIDI / minutes of the period",
        "of the days that are known", "customer_weighted", better="high",
    ),
    _index(
        "tmed", "Threshold of major event days", "min", 2, (5 * 365 + 1) * DAY_S,
        "B.2, 2.5-beta method: exp(alpha + 2.5 beta)",
        "mean and sample deviation of ln SAIDI of the days of five years that had one",
        "system", _FIVE_YEARS, _SYSTEM,
    ),
    _index(
        "saifi_without_med", "SAIFI without major event days", "1", 3, 365 * DAY_S,
        "sum of N_i / N_T", "12 months without the days whose SAIDI exceeds the threshold",
        "system", _FIVE_YEARS, _SYSTEM,
    ),
    _index(
        "saidi_without_med", "SAIDI without major event days", "min", 2, 365 * DAY_S,
        "sum of r_i * N_i / N_T", "12 months without the days whose SAIDI exceeds the threshold",
        "system", _FIVE_YEARS, _SYSTEM,
    ),
)

_LCA = "IPCC AR5 WGIII Annex III, medians of life-cycle emissions (ef_set IPCC_AR5_median_LCA)"
_FACTORS = (
    "the medians as a secondary source prints them (wikicarbon.org); factors of combustion alone, "
    "such as those of the UK or of eGRID, differ by design"
)
_UNKNOWN = "none if more than 5 % is of unknown origin or amount: this project's rule"
_AMOUNT = (
    "a series without 75 % of an hour's minutes counts as unknown, with its largest hour of the "
    "24 before: this project's rule"
)
_SHARE_WORDS = (
    "U4SSC EN:E:E:1C, SDG 7.2", "energy of renewable sources / energy of all sources",
)
_INTENSITY_WORDS = (_LCA, "sum of E_s * EF_s / sum of E_s")


def _mix(
    id: str, name: str, unit: str, digits: int, seconds: int, better: Literal["low", "high"],
    words: tuple[str, str], rule: str, *marks: str,
) -> Indicator:
    return Indicator(
        "energy", id, name, unit, digits, *words, rule, seconds, seconds, PLAIN, None,
        "energy_weighted", better, open_marks=(_UNKNOWN, _AMOUNT, *marks),
    )


_HOUR_RULE = "hourly means of the power of each source, 75 % of the minutes"
_DAY_RULE = "sums over the hours of the civil day that have a value, 75 % of them needed"
_GENERATED = "of what is generated where it is measured, and imported where that is measured"

GENERATION: tuple[Indicator, ...] = (
    _mix("renewable_share", "Renewable share of the hour", "1", 3, 3600, "high", _SHARE_WORDS,
         _HOUR_RULE, _GENERATED),
    _mix("carbon_intensity", "Carbon intensity of electricity", "g/kWh", 1, 3600, "low",
         _INTENSITY_WORDS, _HOUR_RULE, _GENERATED, _FACTORS),
    _mix("renewable_share_day", "Renewable share of the day", "1", 3, DAY_S, "high", _SHARE_WORDS,
         _DAY_RULE, _GENERATED),
    _mix("carbon_intensity_day", "Carbon intensity of electricity of the day", "g/kWh", 1, DAY_S,
         "low", _INTENSITY_WORDS, _DAY_RULE, _GENERATED, _FACTORS),
)

_TEN_S = (
    "means of ten seconds of what the meter reports; one that reports less often covers one "
    "interval a reading"
)


def _hertz(
    id: str, name: str, unit: str, digits: int, days: int, upper: float, rule: str, *marks: str
) -> Indicator:
    span = "year" if days > 7 else "week"
    return Indicator(
        "energy", id, name, unit, digits, _EN, "power frequency", rule, DAY_S, days * DAY_S,
        _held(upper), 1, "worst", "low", OURS, open_marks=(
            _EDITIONS, "the limits of frequency are in part from memory", f"a {span} needs 90 % of "
            "its intervals: this project's rule, the standard is silent", _CONNECTED, _TEN_S,
            *marks,
        ),
    )


FREQUENCY: tuple[Indicator, ...] = (
    _hertz(
        "en50160_frequency", "Frequency of the year", "1", 0, 365, 0.0,
        "0 if compliant, else 1: 99.5 % of the 10-s means of 365 days within +-1 % of the nominal "
        "frequency, and none outside +4/-6 %",
    ),
    _hertz(
        "en50160_frequency_outside", "Frequency outside 1 %, of the year", "%", 3, 365, 0.5,
        "100 * N1/N of the 10-s means of 365 days; at most 0.5 %",
    ),
    _hertz(
        "en50160_frequency_far", "Frequency outside +4/-6 %, of the year", "1", 0, 365, 0.0,
        "10-s means of 365 days; none may be",
    ),
    _hertz(
        "en50160_frequency_week", "Frequency outside 1 %, of the week", "%", 3, 7, 0.5,
        "100 * N1/N of the 10-s means of seven days, held to the 0.5 % of the year",
        "the standard holds the frequency of connected grids to a year; the week is this project's",
    ),
)

_U4SSC_2C = "U4SSC EN:E:E:2C, Verification Manual 2022"
_A_HEAD = (
    "a meter needs 90 % of the blocks of a year, 75 % of a day; those that lack are taken as the "
    "mean of the others: this project's rule",
    "the population is that in force in the middle of the period: of the year so far on July 1st",
    "without the fact customers of the area it is of what is metered alone",
)


def _per_capita(tail: str, name: str, window_s: int, rule: str) -> Indicator:
    return Indicator(
        "energy", f"consumption_per_capita{tail}", name, "kWh", 1, _U4SSC_2C,
        "electricity used / population", f"{rule}; of areas, by the facts population and customers",
        DAY_S, window_s, PLAIN, None, "per_capita", "low", open_marks=_A_HEAD,
    )


CONSUMPTION: tuple[Indicator, ...] = (
    _per_capita("_day", "Electricity per inhabitant, day", DAY_S,
                "15-minute blocks of all meters of the civil day"),
    _per_capita("_ytd", "Electricity per inhabitant, year to date", 366 * DAY_S,
                "15-minute blocks of all meters of the calendar year so far"),
    _per_capita("", "Electricity per inhabitant, 12 months", 365 * DAY_S,
                "15-minute blocks of all meters of 365 days"),
)
