"""Interruptions: the last message of a step stands; a snapshot keeps them; the bound."""

import json

import pytest

from engine import interruptions
from engine.interruptions import OPEN_MS, Interruption, Interruptions


def test_the_last_message_of_a_step_stands() -> None:
    found = Interruptions()
    found.take(3, Interruption("d", "a", 1000), 50)
    assert found.of(3) == [["a", 0, 1000, None, 50, False]]
    found.take(3, Interruption("d", "a", 900, 2000), 40)
    found.take(3, Interruption("d", "a", 900, 3000, step=1, again=True), 7)
    assert found.of(3) == [["a", 0, 900, 2000, 40, False], ["a", 1, 900, 3000, 7, True]]
    assert found.take_touched() == [(3, 900), (3, 1000)]
    found.take(3, Interruption("d", "a", 900, 2000), 40)
    assert found.take_touched() == []
    assert found.since_ms == 900
    assert found.table["end_ms"].tolist() == [2000, 3000]
    assert found.places() == {3}


def test_an_end_before_the_begin_is_no_length() -> None:
    found = Interruptions()
    found.take(3, Interruption("d", "a", 1000, 10), 50)
    assert found.of(3)[0][3] == 1000


def test_a_snapshot_keeps_them() -> None:
    one, two = Interruptions(), Interruptions()
    one.take(3, Interruption("d", "a", 1000), 50)
    one.take(2, Interruption("d", "b", 1500, 1700), 5)
    two.restore(json.loads(json.dumps(one.dump())))
    assert two.dump() == one.dump()
    assert two.table["end_ms"].tolist() == [1700, OPEN_MS]
    assert two.take_touched() == one.take_touched()


def test_at_the_bound_those_that_began_first_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruptions, "INTERRUPTIONS_MAX", 2)
    found = Interruptions()
    for k, start in enumerate((500, 100, 900)):
        found.take(1, Interruption("d", str(k), start), 1)
    assert [row[0] for row in found.of(1)] == ["0", "2"]
    found.take(1, Interruption("d", "2", 901), 1)
    assert [row[2] for row in found.of(1)] == [500, 901]
