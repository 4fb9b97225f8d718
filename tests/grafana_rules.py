"""An alert rule worked out as Grafana's server-side expressions do, on what InfluxDB answers.

Written after Grafana's documentation of reduce, math, threshold and classic conditions, and of
which operands math joins: those whose labels hold the other's.
"""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from tests.grafana_queries import statement
from tests.influxd import Influxd

Json = dict[str, Any]
Labels = frozenset[tuple[str, str]]
Numbers = dict[Labels, float]

_OPERATORS: dict[type, Callable[[Any, Any], float]] = {
    ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Add: operator.add,
    ast.Gt: operator.gt, ast.LtE: operator.le,
}
_COMPARED = {"gt": operator.gt, "lt": operator.lt}


class Rule:
    """One rule and the alerts it has raised: what `unloadEvaluator` asks is remembered."""

    def __init__(self, rule: Json, server: Influxd) -> None:
        self._parts, self._server = rule["data"], server
        self.firing: set[Labels] = set()
        self.named: list[str] = []
        """Stations that the last evaluation names, as `district/station`."""

    def evaluate(self, now_ms: int) -> list[str]:
        """Work it out at that time; the stations that fire or are named."""
        found: dict[str, Any] = {}
        for part in self._parts:
            model = part["model"]
            if "query" in model:
                back_s = part["relativeTimeRange"]["from"]
                found[part["refId"]] = self._asked(model["query"], back_s, now_ms)
            else:
                found[part["refId"]] = getattr(self, f"_{model['type']}")(model, found)
        self.named = sorted(f"{dict(row)['district']}/{dict(row)['station']}"
                            for row in found[self._parts[-1]["refId"]])
        return self.named

    def _asked(self, query: str, back_s: int, now_ms: int) -> dict[Labels, list[float]]:
        answer = self._server.query(statement(query, {}, back_s, 60, now_ms))
        assert all(len(series["columns"]) == 2 for series in answer), "one number a series"
        return {frozenset(series["tags"].items()): [row[1] for row in series["values"]]
                for series in answer}

    def _reduce(self, model: Json, found: dict[str, Any]) -> Numbers:
        assert model["reducer"] == "last"
        return {labels: row[-1] for labels, row in found[model["expression"]].items()}

    def _math(self, model: Json, found: dict[str, Any]) -> Numbers:
        tree = ast.parse(re.sub(r"\$(\w)", r"\1", model["expression"]), mode="eval")
        worked: Numbers = _value(tree.body, found)
        return worked

    def _threshold(self, model: Json, found: dict[str, Any]) -> set[Labels]:
        (condition,) = model["conditions"]
        begin, end = condition["evaluator"], condition["unloadEvaluator"]
        over, under = _COMPARED[begin["type"]], _COMPARED[end["type"]]
        self.firing = {
            labels for labels, value in found[model["expression"]].items()
            if (not under(value, end["params"][0]) if labels in self.firing
                else over(value, begin["params"][0]))}
        return self.firing

    def _classic_conditions(self, model: Json, found: dict[str, Any]) -> set[Labels]:
        (condition,) = model["conditions"]
        over, limit = _COMPARED[condition["evaluator"]["type"]], condition["evaluator"]["params"][0]
        return {labels for labels, value in found[condition["query"]["params"][0]].items()
                if over(value, limit)}


def _value(node: ast.expr, found: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return found[node.id]
    if isinstance(node, ast.Compare):
        return _joined(_OPERATORS[type(node.ops[0])], _value(node.left, found),
                       _value(node.comparators[0], found))
    assert isinstance(node, ast.BinOp), ast.dump(node)
    return _joined(_OPERATORS[type(node.op)], _value(node.left, found), _value(node.right, found))


def _joined(how: Callable[[Any, Any], float], left: Any, right: Any) -> Any:
    """Numbers by labels and plain numbers; what has no partner falls out."""
    if not isinstance(right, dict):
        return {labels: float(how(value, right)) for labels, value in left.items()}
    return {max(a, b, key=len): float(how(x, y)) for a, x in left.items()
            for b, y in right.items() if a <= b or b <= a}
