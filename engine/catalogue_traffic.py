"""Indicators of traffic beside the travel time index: names, standards, levels and rules.

Each tuple was appended to the catalogue as a whole; its order is stored.
"""

from engine.indicator import INF, OURS, PLAIN, Indicator, Level

LOS_LEVELS = (
    Level("A", "#1A9850", 1), Level("B", "#91CF60", 2), Level("C", "#D9EF8B", 3),
    Level("D", "#FEE08B", 4), Level("E", "#FC8D59", 5), Level("F", "#D73027", INF),
)
"""A is 1, F is 6; the mean of an area has the level that it does not exceed."""

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
        "thresholds 85, 67, 50, 40 and 30 %: from memory; no copy of the text was found",
    ),
)
