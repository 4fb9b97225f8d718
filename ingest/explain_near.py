"""Stations that must be built again beside those asked for: the neighbours of their sensors."""

from edge.places import PlaceKey
from edge.quantities import INDEX
from engine.account import Recipe
from engine.neighbours import NEAREST_MAX, Neighbourhood
from engine.panes import Panes
from engine.registry import Registry
from ingest.reconstruct import Known

_LATER = 1 << 42


def with_neighbours(known: Known, stations: list[PlaceKey], recipe: Recipe) -> list[PlaceKey]:
    """The stations, and behind them the nearest others with the quantities of the recipe.

    Twice as many as are looked at: of some the first reading came after the window.
    """
    if not recipe.near:
        return stations
    registry, panes = Registry(), Panes()
    registry.load_places(known.rows)
    asked = {registry.place_of[key] for key in stations if key in registry.place_of}
    found: dict[PlaceKey, None] = dict.fromkeys(stations)
    for quantity in (INDEX[name] for name in recipe.inputs):
        slots = [
            registry.slot(series._replace(
                place=registry.place(known.keys[series.place]),
                device=registry.device(known.devices[series.device]),
            ), panes)
            for series in known.series
            if series.quantity == quantity
            and registry.place_of.get(known.keys[series.place], -1) in registry.attributes
        ]
        around = Neighbourhood(registry, slots, 2 * NEAREST_MAX)
        panes.first_min[:] = 0
        near = around.near(_LATER, panes.first_min).rows
        for sensor, place in enumerate(around.places):
            if place in asked:
                others = near[sensor][near[sensor] >= 0].tolist()
                found |= dict.fromkeys(registry.keys[around.places[other]] for other in others)
    return list(found)
