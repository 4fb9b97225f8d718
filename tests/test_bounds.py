"""The page of bounds says what the code does, and each bound has its test at the limit."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from cityvitals import broker
from edge import facts
from edge.verdicts import Verdict
from ingest.messages import EVENT_ID_CHARS_MAX, Rows, drops_of, expand, read
from ingest.settings_ingest import IngestSettings
from tests.line_city import START_MS, body

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "bounds.md").read_text(encoding="utf-8")


class Bound(NamedTuple):
    name: str
    value: str
    where: str
    happens: str
    counted: str
    test: str


def _rows() -> list[Bound]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    rows = [line.strip("| \n").split(" | ") for line in lines]
    return [
        Bound(*(cell if k in {3, 4} else cell.strip("`") for k, cell in enumerate(row)))
        for row in rows
    ]


BOUNDS = _rows()


@cache
def _functions(file: str) -> dict[str, str]:
    """The source of each function of a test file."""
    text = (TESTS / file).read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or "" for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.where}.{bound.name}")
def test_the_page_says_what_the_code_has_and_each_bound_is_tested(bound: Bound) -> None:
    if bound.where == "ingest.toml":
        found = getattr(IngestSettings(), bound.name)
    else:
        found = getattr(importlib.import_module(bound.where), bound.name)
    assert (found if isinstance(found, str) else f"{found:,}") == bound.value
    assert bound.happens
    assert bound.counted
    file, name = bound.test.split("::")
    assert name in _functions(file), f"{bound.test} is no test"


def test_every_bound_of_the_code_is_on_the_page() -> None:
    told = {f"{bound.where}.{bound.name}" for bound in BOUNDS}
    for line in PAGE.split("## Other limits")[1].splitlines():
        where, *names = re.findall(r"`([^`]+)`", line) or [""]
        told |= {f"{where}.{name}" for name in names}
    found = {
        f"{room}.{path.stem}.{name}"
        for room in ("edge", "engine", "ingest", "dashboards", "cityvitals")
        for path in (TESTS.parent / room).glob("*.py")
        for name in re.findall(
            r"^([A-Z][A-Z0-9_]*_MAX(?:_[A-Z]+)?) = ", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    missing = sorted(found - told)
    assert not missing, f"add a line to docs/bounds.md for {', '.join(missing)}"


def test_verdicts_on_the_page_are_those_of_the_list() -> None:
    told = {word for bound in BOUNDS for word in re.findall(r"`([a-z_]+)`", bound.counted)}
    verdicts = {verdict.label for verdict in Verdict}
    assert {word for word in told if "_" in word} <= verdicts
    assert {"refused_bound", "dropped_queue", "dropped_outbox", "dropped_held"} <= told


def test_bounds_that_the_design_names_are_on_the_page() -> None:
    names = {bound.name for bound in BOUNDS}
    assert names >= {
        "IN_FLIGHT_MAX", "BATCH_MAX", "BATCH_BYTES_MAX", "archive_days", "archive_bytes_max",
        "SPOOL_BYTES_MAX", "DEAD_ROWS_MAX", "DEAD_BYTES_MAX", "HELD_ROWS_MAX", "HELD_BYTES_MAX",
        "HELD_DEVICE_ROWS_MAX", "TOPICS_REMEMBERED_MAX", "STRANGERS_MAX", "SERIES_MAX",
        "SERIES_A_DEVICE_MAX", "PAYLOAD_BYTES_MAX", "DEPTH_MAX", "CLIENTS_MAX", "CONNECTIONS_MAX",
        "STALE_MAX", "DEVICES_MAX", "EPOCHS_MAX", "INTERVALS_MAX", "QUEUE_MAX", "QUEUE_BYTES_MAX",
        "SUBSCRIPTIONS_MAX", "STORE_MAX",
    }


def test_the_id_of_an_event_at_its_limit() -> None:
    def verdict(chars: int) -> int:
        message = read(body(ev="interruption", id="x" * chars, t=START_MS))
        rows = Rows()
        expand(rows, 0, message)  # type: ignore[arg-type]
        return rows.verdict[0]

    assert verdict(EVENT_ID_CHARS_MAX) == Verdict.APPLIED
    assert verdict(EVENT_ID_CHARS_MAX + 1) == Verdict.REFUSED_TYPE
    assert drops_of(read(body(drop=[]))) == []  # type: ignore[arg-type]


def test_the_embedded_broker_states_its_bounds(tmp_path: Path) -> None:
    text = broker.configure(tmp_path, 1).read_text()
    assert f"max_payload: {broker.PACKET_BYTES_MAX}\n" in text
    assert f"max_connections: {broker.CONNECTIONS_MAX}\n" in text
    assert f"max_subscriptions: {broker.SUBSCRIPTIONS_MAX}\n" in text
    assert f"max_ack_pending: {broker.UNACKNOWLEDGED_MAX}\n" in text


def test_facts_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (TESTS / "golden" / "facts.csv").read_text()
    count = len(facts.parse(text))
    monkeypatch.setattr(facts, "FACTS_MAX", count)
    assert len(facts.parse(text)) == count
    monkeypatch.setattr(facts, "FACTS_MAX", count - 1)
    with pytest.raises(facts.FactsError, match=f"more than {count - 1} facts"):
        facts.parse(text)
