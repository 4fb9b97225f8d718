"""The steps of a city's own indicators: the hourly means, and what the kernel made of them."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from engine.account import Account, Coverage, Look, Recipe, Step, hour_of, number
from engine.hour_means import HOUR_MIN
from engine.hourly import Hourly
from engine.own import OWN
from engine.own_hours import OwnHours
from engine.panes import HOUR

_RULE = "45 of 60 minutes of each input"


def steps(look: Look) -> Account:
    """One hour of one station."""
    family = cast(OwnHours, look.family)
    own = family.own
    means = family.means(*look.at(look.window), look.panes)
    given = {name: number(float(mean)) for name, mean in zip(own.inputs, means.value[0],
                                                             strict=True)}
    value = look.family.compute(*look.at(look.window), look.now_min, look.panes).value[0, 0]
    hour = hour_of(look, look.start_min)
    return Account(
        [Step("hourly means", "sum / (n * 1e6) of a device, or sqrt(sum / (n * 1e4)) of voltage, "
              "current and distortion; the mean of the devices with 45 of 60 minutes",
              {"from": "inputs"}, dict(given)),
         Step(own.entry.name, own.formula, given, {"value": number(float(value))},
              own.entry.clause)],
        Coverage(float(np.min(means.minutes[0])), HOUR_MIN, "minutes", _RULE),
        [(slot, HOUR, hour, 1) for name in own.inputs for slot in look.slots(name)],
    )


def recipes(own: Sequence[Hourly]) -> dict[str, Recipe]:
    """A recipe for each."""
    return {one.entry.key: Recipe(one.inputs, HOUR_MIN, steps, one.url) for one in own}


RECIPES = recipes(OWN)
