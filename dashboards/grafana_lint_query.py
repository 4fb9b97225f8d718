"""What of InfluxQL is the same on 1.x, 2.x and 3.x, and safe to show."""

import re
from collections.abc import Iterator

from engine.catalogue import INDICATORS

FUNCTIONS = {
    "mean", "median", "percentile", "max", "min", "sum", "count", "last", "first", "top",
    "bottom", "integral", "difference", "derivative", "non_negative_derivative",
    "non_negative_difference", "spread", "time", "fill", "tz",
}
SOURCES = {"indicator", "indicator_area", "indicator_1h", "indicator_1d", "station_state",
           "event", "pipeline"}
WITH_LEVELS = {"indicator", "indicator_area"}
_FORBIDDEN = (
    (r"\bSLIMIT\b|\bSOFFSET\b", "SLIMIT and SOFFSET are not on 3.x"),
    (r"\bINTO\b", "INTO writes"), (r"\bSHOW SERIES\b", "SHOW SERIES is not on 3.x"),
    (r"\bCARDINALITY\b", "CARDINALITY is not on 3.x"), (r";", "one statement a query"),
    (r"\bDELETE\b|\bDROP\b|\bCREATE\b", "changes the database"),
    (r'"\."', "a retention policy or database before a measurement is not portable"),
    (r"\bON\s+\"", "ON names a database"),
)
_NAMES = {entry.id for entry in INDICATORS}


def query_faults(query: str) -> Iterator[str]:
    """What is wrong with a query, in words."""
    for pattern, words in _FORBIDDEN:
        if re.search(pattern, query, re.IGNORECASE):
            yield words
    plain = re.sub(r"/\^[^/]*/|'[^']*'|\"[^\"]*\"", "", query)
    for name in re.findall(r"\b([a-z_]+)\(", plain):
        if name not in FUNCTIONS and name != "now":
            yield f"function {name} is not in the portable subset"
    if "now()" in query and not query.startswith("SHOW TAG VALUES"):
        yield "now() belongs in $timeFilter"
    sources = set(re.findall(r'FROM "(\w+)"', query))
    for source in sources - SOURCES:
        yield f"nobody writes the measurement {source}"
    if query.startswith("SHOW"):
        if "time >" not in query:
            yield "SHOW TAG VALUES without a bound in time sees one day on 3.x"
        return
    if "$timeFilter" not in query:
        yield "no $timeFilter"
    if sources & WITH_LEVELS and re.search(r'"(value|level|p50|p95|max|over)"', query) and (
        '"level" >= 0' not in query
    ):
        yield 'reads indicator values without "level" >= 0'
    selectors = re.findall(r"\b(?:last|first|top|bottom|percentile)\(", plain)
    if len(selectors) > 1 and "FROM (" not in query:
        yield "several selectors in one query lose the time of the point"
    yield from (f"no indicator is called {name}" for name in _unknown(query))


def _unknown(query: str) -> list[str]:
    named = re.findall(r"\"ind\"='(\w+)'", query)
    for several in re.findall(r'"ind" =~ /\^\(([^)]*)\)', query):
        named += several.split("|")
    return [name for name in named if name not in _NAMES]
