"""The queries of dashboards and alert rules: InfluxQL that 1.x, 2.x and 3.x read alike.

Wherever indicator values are read the query demands `"level" >= 0`: a point that became
insufficient is written `value=0, level=-1`.
"""

from collections.abc import Sequence

from engine.indicator import Indicator

VALID = '"level" >= 0'
CITY = "\"city\"='$city'"
DISTRICTS = f'{CITY} AND "district" =~ /^${{district:regex}}$/'
STATIONS = f'{DISTRICTS} AND "station" =~ /^${{station:regex}}$/'
DISTRICT = f"{CITY} AND \"district\"='$district'"
STATION = f"{DISTRICT} AND \"station\"='$station'"
TIME = "time($__interval)"
_WORST = {"low": "max", "high": "min", "none": "mean"}


def select(
    what: str, source: str, *where: str, by: str = "", fill: str = "", more: str = ""
) -> str:
    """A query of a measurement within the time of the dashboard."""
    clauses = " AND ".join([*(clause for clause in where if clause), "$timeFilter"])
    return f'SELECT {what} FROM "{source}" WHERE {clauses}{_tail(by, fill, more)}'


def around(
    what: str, inner: str | Sequence[str], *where: str, by: str = "", more: str = ""
) -> str:
    """A query of what another one found, or several."""
    clauses = " AND ".join(clause for clause in where if clause)
    condition = f" WHERE {clauses}" if clauses else ""
    found = ",".join(f"({text})" for text in ((inner,) if isinstance(inner, str) else inner))
    return f"SELECT {what} FROM {found}{condition}{_tail(by, '', more)}"


def _tail(by: str, fill: str, more: str) -> str:
    return (
        (f" GROUP BY {by}" if by else "") + (f" fill({fill})" if fill else "")
        + (f" {more}" if more else "")
    )


def which(entries: Sequence[Indicator]) -> str:
    """The condition that names indicators of one domain."""
    domain = f"\"domain\"='{entries[0].domain}'"
    if len(entries) == 1:
        return f"{domain} AND \"ind\"='{entries[0].id}'"
    return f'{domain} AND "ind" =~ /^({"|".join(entry.id for entry in entries)})$/'


def city_of(scope: str) -> str:
    """The city's own rows of `indicator_area`."""
    return _and(scope, "\"scope\"='city'")


def districts_of(scope: str) -> str:
    """The districts' rows of `indicator_area`."""
    return _and(scope, "\"scope\"='district'")


def _and(*clauses: str) -> str:
    return " AND ".join(clause for clause in clauses if clause)


def newest(entry: Indicator, source: str, scope: str, by: str = "") -> str:
    """Value, level and coverage of the newest window that is sufficient."""
    return select('last("value") AS "value","level","cov"', source, which((entry,)), VALID, scope,
                  by=by)


def course(entries: Sequence[Indicator], source: str, scope: str, by: str) -> str:
    """The values over time; of a long time the worst (else the mean) of each step."""
    function = _WORST[entries[0].better]
    return select(f'{function}("value") AS "value"', source, which(entries), VALID, scope,
                  by=f"{TIME},{by}" if by else TIME, fill="null")


def levels_over_time(entry: Indicator, source: str, scope: str, by: str) -> str:
    """The worst level of each step of time."""
    return select('max("level") AS "level"', source, which((entry,)), VALID, scope,
                  by=f"{TIME},{by}" if by else TIME, fill="null")


def latest_states(fields: str, scope: str, *where: str, by: str = "district,station") -> str:
    """The newest state of each station; `fields` are of `station_state`."""
    first, *others = fields.split(",")
    grouped = ",".join(f'"{tag}"' for tag in by.split(","))
    plain = "".join(f',"{name}"' for name in others)
    return select(f'last("{first}") AS "{first}"{plain}', "station_state", scope, *where,
                  by=grouped)


def per_second(field: str, where: str = "") -> str:
    """The rate of one of the counters of `pipeline`, which only grow until a restart."""
    return select(f'non_negative_derivative(last("{field}"),1s) AS "{field}"', "pipeline", where,
                  by=f'{TIME},"host","stage"', fill="none")


def tag_values(key: str, source: str, *where: str) -> str:
    """A variable's choice; bounded in time, for 3.x looks back one day otherwise."""
    clauses = " AND ".join(["time > now() - 2d", *where])
    return f'SHOW TAG VALUES FROM "{source}" WITH KEY = "{key}" WHERE {clauses}'
