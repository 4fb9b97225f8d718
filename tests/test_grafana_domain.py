"""The boards of domains follow the catalogue, what is new in it too."""

from dataclasses import replace

import pytest

from dashboards import grafana_domain, grafana_ops, grafana_scale
from dashboards.grafana_board import Site
from dashboards.grafana_boards import panels
from engine.catalogue import INDICATORS, POSITION


def queries(board: dict[str, object]) -> str:
    return " ".join(t["query"] for row in panels(board) for t in row.get("targets", []))


def test_every_indicator_stands_on_the_board_of_its_domain() -> None:
    text = {make(Site()).uid: queries(make(Site()).json()) for make in grafana_domain.MAKERS}
    for entry in INDICATORS:
        uid = {"air": "cv-air", "traffic": "cv-traffic"}.get(entry.domain, "cv-energy")
        if entry.domain != grafana_ops.QUALITY:
            assert f"'{entry.id}'" in text[uid] or f"{entry.id}|" in text[uid] or (
                f"|{entry.id})" in text[uid]), entry.key


def test_what_only_areas_have_is_not_asked_of_stations() -> None:
    """Seven panels asked stations for it, and never had data."""
    titles = {row["title"] for row in panels(grafana_domain.energy(Site()).json())}
    assert "Electricity per inhabitant, day, districts" in titles
    names = [entry.name for entry in INDICATORS if entry.area in ("system", "per_capita")]
    assert not titles & {f"{name}, stations" for name in names}


def test_a_new_indicator_of_a_new_domain_appears_by_itself(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    new = replace(INDICATORS[POSITION["air.us_aqi"]], domain="water", id="lead", name="Lead",
                  unit="µg/L")
    monkeypatch.setattr(grafana_scale, "INDICATORS", (*INDICATORS, new))
    monkeypatch.setattr(grafana_ops, "INDICATORS", (*INDICATORS, new))
    made = grafana_domain.energy(Site()).json()
    titles = [row["title"] for row in panels(made)]
    assert {"Lead, city", "Lead, stations", "Level by district, Lead"} <= set(titles)
    panel = next(row for row in panels(made) if row["title"] == "Lead, stations")
    assert panel["fieldConfig"]["defaults"]["unit"] == "suffix: µg/L"


def test_moments_are_a_table_of_times() -> None:
    made = grafana_domain.energy(Site()).json()
    panel = next(row for row in panels(made) if row["title"] == "Time of the peak demand")
    assert panel["type"] == "table"
    assert '* 1000' in panel["targets"][0]["query"], "Grafana's times are in milliseconds"


def test_a_long_group_shows_its_first_alone() -> None:
    made = grafana_domain.air(Site())
    entries = tuple(
        replace(INDICATORS[POSITION["air.us_aqi_pm25"]], id=f"x{n}", headline=True)
        for n in range(grafana_domain.SERIES_PANELS_MAX + 3)
    )
    before = len(panels(made.json()))
    grafana_domain.everything(made, grafana_scale.Group(entries), "", "")
    assert len(panels(made.json())) - before == 1 + grafana_domain.SERIES_PANELS_MAX
