"""What an alert rule of ours must be: it waits, it lets go elsewhere, and it has one cause."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dashboards.grafana_alerts import rules
from dashboards.grafana_board import PREFIX, TAG, Site
from dashboards.grafana_boards import boards
from dashboards.grafana_lint_query import query_faults

Json = dict[str, Any]


def lint_rules(site: Site, given: list[Json] | None = None) -> list[str]:
    """Everything that is wrong with the rules, a line each."""
    made = rules(site) if given is None else given
    uids = Counter(rule["uid"] for rule in made)
    found = [f"{uid}: stands {count} times" for uid, count in uids.items() if count > 1]
    known = {board["uid"] for board in boards(site)}
    for rule in made:
        found += [f"{rule['uid']}: {fault}" for fault in _faults(rule, known)]
    alarming = [rule["uid"] for rule in made if rule["noDataState"] == "Alerting"]
    if len(alarming) != 1:
        found.append(f"missing data alarms {len(alarming)} rules: one cause, one alert")
    return found


def _faults(rule: Json, known: set[str]) -> Iterator[str]:
    if not rule["uid"].startswith(PREFIX) or len(rule["uid"]) > 40:
        yield f"the uid begins with {PREFIX} and has at most 40 signs"
    if rule["for"] in ("", "0s"):
        yield "does not wait"
    if rule["labels"].get("product") != TAG:
        yield f"has not the label product={TAG}"
    if rule["annotations"].get("__dashboardUid__") not in known:
        yield "leads to no board"
    refs = [part["refId"] for part in rule["data"]]
    if len(set(refs)) < len(refs) or rule["condition"] not in refs:
        yield "its parts are not named one by one"
    last = rule["data"][-1]["model"]
    if last["type"] == "threshold" and "unloadEvaluator" not in last["conditions"][0]:
        yield "lets go where it takes hold"
    if last["type"] == "classic_conditions" and not any(map(_has_two_limits, rule["data"])):
        yield "knows one limit: of a classic condition the other one stands in the query"
    for part in rule["data"]:
        if "query" in part["model"]:
            text = part["model"]["query"]
            yield from query_faults(text)
            if "$" in text.replace("$timeFilter", "").replace(")$/", ""):
                yield "an alert's query knows no variables"
            if 'FROM "indicator' in text and '"cov" >=' not in text:
                yield "judges values without looking at coverage"


def _has_two_limits(part: Json) -> bool:
    """True if a query takes what is above one limit or below a lower one, and nothing between."""
    query = part["model"].get("query", "")
    found = re.search(r'"(\w+)" > ([\d.]+)\b.* OR "\1" < ([\d.]+)\b', query)
    return found is not None and float(found[3]) < float(found[2])
