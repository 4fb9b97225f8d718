"""Worked cases of the indicators of a city's own: the hourly means in, value and word out."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from cityvitals.worked_cases import Adapter, Inputs, number, plain, word
from engine.hourly import Hourly
from engine.own import OWN


def _case(inputs: Inputs, own: Hourly) -> dict[str, Any]:
    means = np.array([[number(inputs[name]) for name in own.inputs]])
    out = np.full(1, np.nan)
    if not np.isnan(means).any():
        own.kernel(means, out)
    value = float(out[0])
    return {"value": plain(value), "word": word(value, own.entry.levels)}


def adapters(own: Sequence[Hourly]) -> dict[str, Adapter]:
    """An adapter for each, by the key of the indicator."""
    return {one.entry.key: partial(_case, own=one) for one in own}


ADAPTERS = adapters(OWN)
