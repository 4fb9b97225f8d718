"""The city's own indicators, in the order in which they came: see `docs/own_indicator.md`."""

from engine.hourly import Hourly

OWN: tuple[Hourly, ...] = ()
