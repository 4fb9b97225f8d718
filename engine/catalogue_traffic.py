"""Indicators of traffic beside the travel time index: names, standards, levels and rules.

Each tuple was appended to the catalogue as a whole; its order is stored.
"""

from dataclasses import replace

from engine.indicator import INF, OURS, PLAIN, Indicator, Level
from engine.us_units import LOST_MPH, THRESHOLDS_MPH, km_of_miles

LOS_LEVELS = (
    Level("A", "#1A9850", 1), Level("B", "#91CF60", 2), Level("C", "#D9EF8B", 3),
    Level("D", "#FEE08B", 4), Level("E", "#FC8D59", 5), Level("F", "#D73027", INF),
)
"""A is 1, F is 6; the mean of an area has the level that it does not exceed."""

PERCENTILE_MARK = "the UCR names no type of percentile, here type 7"
FREE_MARK = "free-flow speed: its off-peak hours are from memory of the UCR"
_HCM = "HCM 7th edition"
_PEMS = "Caltrans PeMS"
_ENOUGH_OF_5 = "4 of 5 minutes"
_G_MARKS = (
    "PeMS smooths over all that was; here the smoothing begins an hour before",
    "PeMS caps the speed by lane and does not say where; here at 1.3 of the posted limit, else "
    "at 130 km/h",
)
_LOS_MARKS = ("an area has the mean of its roads' levels, weighted by vehicle kilometres: ours",)


def _traffic(
    id: str, name: str, unit: str, digits: int, standard: str, clause: str, rule: str,
    cadence_s: int, marks: tuple[str, ...] = (), window_s: int = 0,
) -> Indicator:
    return Indicator(
        "traffic", id, name, unit, digits, standard, clause, rule, cadence_s,
        window_s or cadence_s, PLAIN, None, "vmt_weighted", "none", open_marks=marks,
    )


def _los(id: str, name: str, standard: str, clause: str, rule: str, *marks: str) -> Indicator:
    return Indicator(
        "traffic", id, name, "1", 0, standard, clause, rule, 900, 900, LOS_LEVELS, 4,
        "vmt_weighted", "low", OURS, open_marks=(*_LOS_MARKS, *marks),
    )


STATE: tuple[Indicator, ...] = (
    _traffic(
        "speed", "Speed, space mean", "km/h", 1, _HCM, "v_s = sum n / sum (n / v)",
        f"5-minute bin, {_ENOUGH_OF_5}; lanes weighted by their vehicles where each is counted",
        300,
    ),
    _traffic(
        "flow", "Flow", "veh/h", 0, _HCM, "q = 3600 n / T",
        f"5-minute bin of all lanes; each lane {_ENOUGH_OF_5}, scaled to the whole bin", 300,
    ),
    _traffic(
        "flow_lane", "Flow a lane", "veh/h", 0, _HCM, "q = 3600 n / T",
        "traffic.flow over the lanes of the places file", 300,
    ),
    _traffic(
        "occupancy", "Occupancy", "1", 3, _HCM, "occ = sum t_on / T",
        f"5-minute bin, mean of the lanes; {_ENOUGH_OF_5}", 300,
    ),
    _traffic(
        "density", "Density a lane", "veh/km", 1, f"{_HCM}; MnDOT", "k = q / v_s; k = occ / g",
        "5-minute bin; by flow and speed, else by occupancy and the length g of vehicle and field",
        300,
    ),
    _traffic(
        "gfactor_speed", "Speed by a single loop", "km/h", 1, _PEMS, "v = q g / occ",
        "5-minute bin, smoothed by p = n / (n + 50) over an hour; at least 3 mph", 300, _G_MARKS,
        window_s=3600,
    ),
    _traffic(
        "speed_hour", "Speed of the hour, space mean", "km/h", 1, _HCM, "v_s = n / sum (1 / v)",
        "all readings of the hour alike; 45 of 60 minutes", 3600,
    ),
    _traffic(
        "speed_time_mean", "Speed of the hour, time mean", "km/h", 1, _HCM, "v_t = sum v / n",
        "all readings of the hour alike; 45 of 60 minutes", 3600,
    ),
    _los(
        "los_freeway", "Level of service, freeway", _HCM, "basic segment, by TxDOT TSAP 9.3.4",
        "15 minutes, each bin of them; density in passenger cars; F above capacity",
        "heavy vehicles count as 2 cars (level terrain): from memory",
    ),
    _los(
        "los_urban_hcm2000", "Level of service, urban street (2000)", "HCM 2000", "Exhibit 15-2",
        "15 minutes, each bin of them; space-mean speed by the class of the street",
    ),
    _los(
        "los_urban_hcm2010", "Level of service, urban street (2010)", "HCM 2010",
        "speed in percent of free flow",
        "15 minutes, each bin of them; against the frozen free-flow speed; F above capacity",
        "the whole table, 85, 67, 50, 40 and 30 % and F above capacity: from memory; no copy of "
        "the text was found, and later editions have a table for each free-flow speed",
        "the base free-flow speed is taken as the frozen one: ours", FREE_MARK,
    ),
)

_BINS_OF = {3600: "9 of 12 bins", 86_400: "75 % of the day's bins"}
_UCR = "FHWA Urban Congestion Report"
_PERSONS_MARK = "occupants of the places file; FHWA takes 1.7 for cars: from memory"


def _sum(id: str, name: str, unit: str, clause: str, rule: str, cadence_s: int,
         marks: tuple[str, ...] = (), standard: str = _PEMS) -> Indicator:
    return Indicator(
        "traffic", id, name, unit, 1, standard, clause,
        f"sum over 5-minute bins with vehicles and speed; {_BINS_OF[cadence_s]}{rule}",
        cadence_s, cadence_s, PLAIN, None, "sum", "none", open_marks=marks,
    )


def _measures(cadence_s: int) -> tuple[Indicator, ...]:
    end, of = ("", ", 1 h") if cadence_s == 3600 else ("_day", ", 1 d")
    q = replace(
        _sum(f"q{end}", f"Speed of all travel{of}", "km/h", "Q = VMT / VHT", "", cadence_s),
        area="vht_weighted",
    )
    return (
        _sum(f"vmt{end}", f"Vehicle kilometres{of}", "veh km", "VMT = n L", "", cadence_s),
        _sum(f"vht{end}", f"Vehicle hours{of}", "veh h", "VHT = n L / v", "", cadence_s),
        q,
        *(_sum(
            f"delay_{mph}{end}", f"Delay under {mph} mph{of}", "veh h",
            "max(n (L / v - L / V), 0)", f"; V = {km_of_miles(mph):.1f} km/h", cadence_s,
        ) for mph in THRESHOLDS_MPH),
        _sum(
            f"delay_free{end}", f"Delay under free flow{of}", "veh h",
            "max(n (L / v - L / V), 0)", "; V = frozen free-flow speed, in place of the 35 to 60 "
            "mph of PeMS", cadence_s, ("free flow as a threshold is this project's", FREE_MARK),
        ),
        *(_sum(
            f"lost_{mph}{end}", f"Lost productivity below {mph} mph{of}", "lane km h",
            "L (1 - q / capacity) while v < V",
            f"; V = {km_of_miles(mph):.1f} km/h; times lanes and hours", cadence_s,
        ) for mph in LOST_MPH),
    )


TOTALS: tuple[Indicator, ...] = (
    *_measures(3600),
    *_measures(86_400),
    _sum(
        "person_delay_day", "Person delay under free flow, 1 d", "person h",
        "delay * occupants a vehicle", "; occupants of the places file", 86_400,
        (_PERSONS_MARK, FREE_MARK),
    ),
    _sum(
        "phed_day", "Peak-hour excessive delay measure, whole day", "person h",
        "sum min(TT - L / V, 900 s) n occupants", "; 15-minute bins; V = max(20 mph, 60 % of the "
        "posted limit)", 86_400, (_PERSONS_MARK, "bins, threshold and cap: from memory of the rule",
                                  "all hours of the day; the rule counts peaks, a year, a head"),
        "23 CFR 490.711",
    ),
    Indicator(
        "traffic", "congested_hours", "Congested hours", "h", 1, _UCR,
        "v < 0.9 free-flow speed, strictly", "weekdays 6-22 local; sum of the congested 5-minute "
        "bins; 75 % of the bins", 86_400, 86_400, PLAIN, None, "vmt_weighted", "low",
        open_marks=(FREE_MARK,),
    ),
    Indicator(
        "traffic", "congested_travel", "Congested travel", "%", 1, _UCR,
        "vehicle kilometres in congested bins / all", "weekdays 6-22 local; 75 % of the bins",
        86_400, 86_400, PLAIN, None, "vmt_weighted", "low", open_marks=(FREE_MARK,),
    ),
)


def _reliability(
    id: str, name: str, unit: str, digits: int, clause: str, *marks: str
) -> Indicator:
    return Indicator(
        "traffic", id, name, unit, digits, _UCR, clause,
        "peak bins (weekdays 6-9 and 16-19 local) of the calendar month so far; 10 weekdays with "
        "54 of 72 bins; at day's end", 86_400, 31 * 86_400, PLAIN, None, "vmt_weighted", "low",
        open_marks=(
            "the window, the peak bins of a month with 10 weekdays: from memory",
            "areas weigh their roads by length and bins", *marks,
        ),
    )


RELIABILITY: tuple[Indicator, ...] = (
    _reliability(
        "pti", "Planning time index", "1", 2, "P95(TT) / free-flow TT", PERCENTILE_MARK, FREE_MARK,
    ),
    _reliability(
        "buffer_index", "Buffer index", "1", 2, "(P95(TT) - mean(TT)) / mean(TT)", PERCENTILE_MARK,
    ),
    _reliability("buffer", "Buffer time", "min", 1, "buffer index * mean(TT)", PERCENTILE_MARK),
    _reliability("peak_time", "Mean travel time of the peaks", "min", 1, "mean(TT)"),
)

_MONTH = "the rule takes a calendar year, here it is the month so far"
_SECONDS = "the rule rounds travel times to the second, here they are not rounded"
_NEEDED = "days, quarters and bins that are needed: this project's, the rule names none"
_SPREADSHEET = "percentile of type 7, as in spreadsheets: the rule names none"
_COPIES = "the rule was read in copies of its text on the web"


def _of_periods(
    id: str, name: str, clause: str, rule: str, needed: str, levels: tuple[Level, ...], *marks: str
) -> Indicator:
    return Indicator(
        "traffic", id, name, "1", 2, "23 CFR 490, subparts E and F", clause,
        f"{rule}, each to a hundredth; means of 15 minutes, two of three bins, of "
        f"the calendar month so far; {needed} with 75 % of their quarters; at day's end",
        86_400, 31 * 86_400, levels, 1 if len(levels) > 1 else None, "length_weighted", "low",
        OURS if len(levels) > 1 else "",
        open_marks=(_COPIES, _MONTH, _SECONDS, _NEEDED, _SPREADSHEET, *marks),
    )


PERIODS: tuple[Indicator, ...] = (
    _of_periods(
        "lottr", "Level of travel time reliability", "490.511, 490.513: P80(TT) / P50(TT)",
        "the greatest of weekdays 6-10, 10-16 and 16-20 and weekends 6-20 local; reliable below "
        "1.50", "10 weekdays and 4 days of weekends",
        (Level("Reliable", "#1A9850", 1.495), Level("Not reliable", "#D73027", INF)),
        "an area has the mean of its roads by length; the rule tells the share of person-miles on "
        "reliable roads",
    ),
    _of_periods(
        "tttr", "Truck travel time reliability", "490.611, 490.613: P95(TT) / P50(TT)",
        "the greatest of the periods of traffic.lottr and of nights 20-6 local",
        "10 weekdays, 4 days of weekends and 14 nights", PLAIN,
        "the rule is of trucks, and of all vehicles where no truck was seen: here of all vehicles",
    ),
)
"""Reliability by the US performance rule. A road has hundredths, the mean of an area more: up to
1.495 it is shown, and holds, as less than 1.50."""
