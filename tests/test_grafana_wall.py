"""The wall: no variable anywhere, few panels, nothing below the fold of 1,080 lines."""

import json
from dataclasses import replace

import pytest

from dashboards import grafana_ops, grafana_scale, grafana_wall
from dashboards.grafana_board import Site
from dashboards.grafana_boards import panels
from engine.catalogue import INDICATORS, POSITION

FOLD = 28
"""Grid lines of a screen of 1,080 pixels: Grafana's have 30 pixels and 8 between."""


def test_no_variable_is_named() -> None:
    made = grafana_wall.board(Site()).json()
    text = json.dumps(made).replace("${__", "")
    assert made["templating"]["list"] == []
    for name in ("ds", "city", "district", "station"):
        assert f"${name}'" not in text
        assert f"${{{name}" not in text


@pytest.mark.parametrize("more", range(6))
def test_it_fits_a_screen(more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    aqi = INDICATORS[POSITION["air.us_aqi"]]
    others = tuple(replace(aqi, id=f"x{n}", domain=f"d{n}") for n in range(more))
    for module in (grafana_scale, grafana_ops):
        monkeypatch.setattr(module, "INDICATORS", (*INDICATORS, *others))
    made = grafana_wall.board(Site()).json()
    assert len(panels(made)) <= 14
    assert max(row["gridPos"]["y"] + row["gridPos"]["h"] for row in made["panels"]) <= FOLD
