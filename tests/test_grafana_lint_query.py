"""Each rule for queries, broken once."""

import pytest

from dashboards.grafana_lint_query import query_faults

GOOD = ("SELECT last(\"value\") AS \"value\" FROM \"indicator\" WHERE \"ind\"='us_aqi' AND "
        '"level" >= 0 AND $timeFilter GROUP BY "station"')


def test_a_good_query() -> None:
    assert list(query_faults(GOOD)) == []
    assert list(query_faults('SELECT mean("cov") FROM "indicator" WHERE $timeFilter')) == []
    assert list(query_faults(
        'SHOW TAG VALUES FROM "event" WITH KEY = "city" WHERE time > now() - 2d')) == []


@pytest.mark.parametrize(("query", "words"), [
    (GOOD + " SLIMIT 1", "SLIMIT"), (GOOD + '; DROP MEASUREMENT "event"', "one statement"),
    (GOOD.replace("SELECT", "SELECT INTO x"), "INTO"), (GOOD.replace("last", "sample"), "sample"),
    (GOOD.replace('"indicator"', '"autogen"."indicator"'), "not portable"),
    (GOOD.replace('"indicator"', '"indicators"'), "nobody writes"),
    (GOOD.replace(' AND "level" >= 0', ""), 'without "level" >= 0'),
    (GOOD.replace("$timeFilter", "time > 0"), "no $timeFilter"),
    (GOOD.replace("$timeFilter", "$timeFilter AND time > now() - 1h"), "now()"),
    (GOOD.replace("us_aqi", "us_aqy"), "no indicator is called us_aqy"),
    (GOOD.replace('AS "value"', ',first("n")'), "several selectors"),
    ("SHOW SERIES", "SHOW SERIES"), ("SHOW TAG VALUES CARDINALITY", "CARDINALITY"),
    ('SHOW TAG VALUES FROM "event" WITH KEY = "city"', "without a bound"),
    ('SHOW TAG VALUES ON "db" FROM "event" WITH KEY = "city" WHERE time > 0', "names a database"),
    ('DELETE FROM "event"', "changes the database"),
])
def test_each_rule_finds_its_fault(query: str, words: str) -> None:
    assert any(words in fault for fault in query_faults(query)), list(query_faults(query))
