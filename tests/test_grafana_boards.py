"""All boards together: their names, and the panels in folded rows."""

from dashboards.grafana_board import PREFIX, TAG, Site
from dashboards.grafana_boards import boards, panels


def test_nine_boards_in_order() -> None:
    made = boards(Site())
    assert [row["uid"] for row in made] == [
        PREFIX + name for name in ("ops", "district", "station", "air", "traffic", "energy",
                                   "sensors", "pipeline", "wall")]
    assert {row["schemaVersion"] for row in made} == {39}
    assert all(row["tags"] == [TAG] for row in made)


def test_the_same_catalogue_makes_the_same_boards() -> None:
    assert boards(Site()) == boards(Site())


def test_panels_of_folded_rows_count() -> None:
    board = {"panels": [{"type": "row", "panels": [{"type": "stat", "id": 1}]},
                        {"type": "stat", "id": 2}]}
    assert [row["id"] for row in panels(board)] == [1, 2]
