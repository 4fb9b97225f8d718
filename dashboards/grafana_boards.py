"""All dashboards, in the order in which a newcomer should look at them."""

from collections.abc import Callable
from typing import Any

from dashboards import (
    grafana_domain,
    grafana_ops,
    grafana_pipeline,
    grafana_places,
    grafana_sensors,
    grafana_wall,
)
from dashboards.grafana_board import Board, Site

Json = dict[str, Any]

MAKERS: tuple[Callable[[Site], Board], ...] = (
    grafana_ops.board, grafana_places.district, grafana_places.station, *grafana_domain.MAKERS,
    grafana_sensors.board, grafana_pipeline.board, grafana_wall.board,
)


def boards(site: Site) -> list[Json]:
    """Every dashboard as classic JSON."""
    return [make(site).json() for make in MAKERS]


def panels(board: Json) -> list[Json]:
    """The panels of a dashboard that are no rows, folded ones too."""
    found: list[Json] = []
    for panel in board["panels"]:
        found += panel["panels"] if panel["type"] == "row" else [panel]
    return found
