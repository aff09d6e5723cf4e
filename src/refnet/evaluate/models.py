"""Score models by name, all called alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from refnet.accumulators import Accumulators, Events
from refnet.errors import InvalidRequest
from refnet.evaluate.candidates import CANDIDATES

Arrays = Mapping[str, NDArray[np.float64]]
"""At least score, raw, T, O, V, C, R, P, bal, give and take, each float64[n]."""

Model = Callable[[Accumulators, int, NDArray[np.float64] | None], Arrays]
"""Accumulators, day and standing (None: all 1) to arrays by name."""

Judge = Callable[[Accumulators, Events, int, NDArray[np.float64] | None], Arrays]
"""The same, for what reads the events themselves too: some baselines do. `score` is enough."""


def judge_by(model: Model) -> Judge:
    """A model, called like a judge."""

    def judge(
        accumulators: Accumulators,
        events: Events,
        day: int,
        standing: NDArray[np.float64] | None,
    ) -> Arrays:
        return model(accumulators, day, standing)

    return judge


MODELS: dict[str, Model] = {each.name: each for each in CANDIDATES}
"""Every version the kernel has, and whatever else was tried."""

model_1 = MODELS["1"]
"""The default, and the contract."""


def find_model(name: str) -> Model:
    """A model by its version or a candidate's name, or any function by "package.module:function".

    Raises InvalidRequest for a name that leads nowhere.
    """
    if name in MODELS:
        return MODELS[name]
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise _unknown(name) from error
    if not callable(found):
        raise _unknown(name)
    model: Model = found
    return model


def _unknown(name: str) -> InvalidRequest:
    known = ", ".join(MODELS)
    return InvalidRequest(
        f"there is no score model {name!r}; choose of {known}, or write package.module:function",
        field="model",
        value=name,
    )
