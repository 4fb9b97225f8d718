"""Indicators of noise: mean levels, Lden and its periods, levels exceeded; names, limits, rules.

The tuple was appended to the catalogue as a whole; its order is stored.
"""

from engine.indicator import INF, OURS, PLAIN, Indicator, Level

_COLOURS = ("#1A9850", "#91CF60", "#FEE08B", "#FC8D59", "#D73027", "#A50026")


def _bands(lowest: int) -> tuple[Level, ...]:
    """Bands of 5 dB from `lowest` on; levels are told to 0.1 dB, so 54.9 is the last below 55."""
    edges = [lowest + 5 * i for i in range(5)]
    between = (f"{edge}-{edge + 4}" for edge in edges[:-1])
    words = [f"below {lowest}", *between, f"{edges[-1]} and more"]
    uppers = [*(edge - 0.1 for edge in edges), INF]
    return tuple(
        Level(f"{word} dB", colour, round(upper, 1))
        for word, colour, upper in zip(words, _COLOURS, uppers, strict=True)
    )


LDEN_LEVELS, NIGHT_LEVELS = _bands(55), _bands(50)
"""Reporting bands of the directive; from the second on the level is over its threshold."""

_IEC = "IEC 61672-1; ISO 1996-1"
_IEC_MARK = "standards known from memory: their texts are sold"
_END = "Directive 2002/49/EC Annex I"
_END_MARKS = (
    "periods 7, 19 and 23 h: member states may move them",
    "the directive's Lden is the mean of a year: that of a day is indicative",
    "formula and limits of the bands: in part from memory of the directive; levels to 0.1 dB",
)
_ENOUGH = "75 % of the readings owed"


def _noise(
    id: str, name: str, cadence_s: int, standard: str, clause: str, rule: str,
    marks: tuple[str, ...] = (), levels: tuple[Level, ...] = PLAIN, headline: bool = False,
) -> Indicator:
    banded = levels is not PLAIN
    return Indicator(
        "noise", id, name, "dB(A)", 1, standard, clause, rule, cadence_s, cadence_s, levels,
        1 if banded else None, "worst", "low", OURS if banded else "", headline, marks,
    )


def _laeq(id: str, name: str, cadence_s: int, headline: bool = False) -> Indicator:
    return _noise(
        id, name, cadence_s, _IEC, "10 lg(mean of 10^(L/10))",
        f"energetic mean of the readings; {_ENOUGH}; to 0.1 dB", (_IEC_MARK,), headline=headline,
    )


def _exceeded(id: str, name: str, cadence_s: int, clause: str) -> Indicator:
    return _noise(
        id, name, cadence_s, "ISO 1996-1, common practice", clause,
        f"histogram of readings in steps of 0.1 dB, 30 to 120 dB; {_ENOUGH}",
        ("percentile of type 7: the texts name none", _IEC_MARK),
    )


_PERIOD = f"energetic mean of the period on the local clock; {_ENOUGH}"

NOISE: tuple[Indicator, ...] = (
    _laeq("laeq_15min", "Sound level LAeq, 15 min", 900),
    _laeq("laeq_1h", "Sound level LAeq, 1 h", 3600, headline=True),
    _laeq("laeq_day", "Sound level LAeq, 1 d", 86_400),
    _noise("lday", "Day level, 7-19 h", 86_400, _END, "Lday", _PERIOD, _END_MARKS),
    _noise("levening", "Evening level, 19-23 h", 86_400, _END, "Levening", _PERIOD, _END_MARKS),
    _noise("lnight", "Night level, 23-7 h", 86_400, _END, "Lnight",
           f"{_PERIOD}; the first seven hours of the day and its last", _END_MARKS, NIGHT_LEVELS),
    _noise(
        "lden", "Day-evening-night level", 86_400, _END,
        "10 lg((12 10^(Ld/10) + 4 10^((Le+5)/10) + 8 10^((Ln+10)/10)) / 24)",
        "of the civil day, indicative; each period needs " + _ENOUGH, _END_MARKS, LDEN_LEVELS,
    ),
    *(_exceeded(f"l{n}_{suffix}", f"Level exceeded {n} % of the time, {length}", cadence_s,
                f"{100 - n}th percentile")
      for suffix, length, cadence_s in (("1h", "1 h", 3600), ("day", "1 d", 86_400))
      for n in (10, 50, 90)),
    _exceeded("tni_day", "Traffic noise index", 86_400, "TNI = 4 (L10 - L90) + L90 - 30"),
)
