"""The steps of an indicator of a city's own; the engine's whole way: tests/test_own.py."""

import pytest

from engine.account import Look
from engine.account_own import recipes
from engine.panes import HOUR
from tests.test_hourly import made
from tests.test_own_hours import OF_HOUR, START, member_of, readings
from tests.town import Town, row


def test_the_steps_tell_means_formula_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    own = made(("temp", "rh"))
    town = Town([row("a", "x/s", 900)])
    town.take([*readings("a", "temp", 10.0), *readings("a", "rh", 50.0, 3)])
    family = member_of(own, town, monkeypatch)
    look = Look(town.vitals, family, own.entry, 0, OF_HOUR, START // 60 + 61)
    recipe = recipes((own,))[own.entry.key]
    account = recipe.steps(look)
    assert (recipe.inputs, recipe.back_min) == (("temp", "rh"), 60)
    assert account.steps[0].found == {"temp": 11.5, "rh": 51.0}
    assert account.steps[1][:4] == ("Feel", "2 temp", {"temp": 11.5, "rh": 51.0}, {"value": 23.0})
    assert (account.coverage.had, account.coverage.owed) == (45.0, 60)
    assert [pane[1:] for pane in account.panes] == [(HOUR, OF_HOUR, 1)] * 2


def test_what_is_insufficient_has_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    own = made()
    town = Town([row("a", "x/s", 900)])
    town.take(readings("a", "temp", 10.0, 2))
    family = member_of(own, town, monkeypatch)
    account = recipes((own,))[own.entry.key].steps(
        Look(town.vitals, family, own.entry, 0, OF_HOUR, START // 60 + 61)
    )
    assert account.steps[1].found == {"value": None}
    assert account.coverage.had == 30.0
