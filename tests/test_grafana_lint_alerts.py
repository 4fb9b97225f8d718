"""Each rule for alert rules, broken once."""

from copy import deepcopy
from typing import Any

import pytest

from dashboards.grafana_alerts import rules
from dashboards.grafana_board import Site
from dashboards.grafana_lint_alerts import lint_rules


def test_our_own_are_clean() -> None:
    assert lint_rules(Site()) == []


def over(made: list[dict[str, Any]]) -> dict[str, Any]:
    return next(rule for rule in made if rule["uid"] == "cv-over-air-us-aqi")


def break_query(made: list[dict[str, Any]], old: str, new: str) -> None:
    model = over(made)["data"][0]["model"]
    assert old in model["query"]
    model["query"] = model["query"].replace(old, new)


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda made: made[1].update(uid="mine"), "begins with cv-"),
    (lambda made: made.append(made[0]), "stands 2 times"),
    (lambda made: made[1].update({"for": "0s"}), "does not wait"),
    (lambda made: made[1]["labels"].clear(), "has not the label"),
    (lambda made: made[1]["annotations"].update(__dashboardUid__="cv-x"), "leads to no board"),
    (lambda made: made[1].update(condition="Z"), "not named one by one"),
    (lambda made: made[1].update(noDataState="Alerting"), "alarms 2 rules"),
    (lambda made: over(made)["data"][-1]["model"]["conditions"][0].pop("unloadEvaluator"),
     "lets go where it takes hold"),
    (lambda made: made[1]["data"].pop(1), "knows one limit"),
    (lambda made: break_query(made, '"cov" >= 0.75 AND ', ""), "without looking at coverage"),
    (lambda made: break_query(made, '"level" >= 0 AND ', ""), '"level" >= 0'),
    (lambda made: break_query(made, "$timeFilter", "$timeFilter AND \"city\"='$city'"),
     "knows no variables"),
])
def test_each_rule_finds_its_fault(spoil: Any, words: str) -> None:
    made = deepcopy(rules(Site()))
    spoil(made)
    assert any(words in fault for fault in lint_rules(Site(), made))
