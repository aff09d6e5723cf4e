"""Every model that was tried on the way to model 2, those that failed too.

What a candidate says is what the kernel computes with other constants, or, where a formula differs,
what follows from the kernel's workings. None of them is a version of the score model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refnet.accumulators import Accumulators
from refnet.scoring import Floats, Scores, constants, score, work_out

Arrays = dict[str, Floats]

NEIGHBOURLY = 2.0
"""Deals with one partner, in units of evidence, from which they begin to cost independence."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to try. base: the version it changes; what: in which way; changed: its constants.

    Called like a model of `refnet.evaluate.models`.
    """

    name: str
    base: str
    what: str
    changed: Mapping[str, float] = field(default_factory=dict)
    formula: Callable[..., Arrays] | None = None

    def __call__(
        self, accumulators: Accumulators, day: int, standing: Floats | None = None
    ) -> Arrays:
        """Arrays by name, each float64[n]."""
        terms: dict[str, Any] = {"model": self.base, "changed": self.changed}
        if self.formula is not None:
            return self.formula(accumulators, day, standing, terms)
        return score(accumulators, day, standing=standing, **terms).arrays


def independent(
    accumulators: Accumulators, day: int, standing: Floats | None, terms: dict[str, Any]
) -> Arrays:
    """A member's voice shrinks with the share of deals that are mutual and many.

    share_i = sum_k min(x_ik, x_ki) / (1 + sum_k max(g_ik, g_ki)), with g the mass of deals given
    and x = max(0, g - NEIGHBOURLY); p_i is multiplied by 1 - share_i.
    """
    _, workings = work_out(accumulators, day, standing=standing, **terms)
    given = workings.edges["given"]
    back = given[workings.network.reverse]
    many = np.maximum(np.minimum(given, back) - NEIGHBOURLY, 0.0)
    n = accumulators.n
    sources = workings.network.sources
    mutual = np.bincount(sources, many, minlength=n)
    dealt = np.bincount(sources, np.maximum(given, back), minlength=n)
    level = np.ones(n) if standing is None else standing
    return score(accumulators, day, standing=level * (1.0 - mutual / (1.0 + dealt)), **terms).arrays


def neutral(
    accumulators: Accumulators, day: int, standing: Floats | None, terms: dict[str, Any]
) -> Arrays:
    """T starts at a half instead of at a newcomer's .30, whatever the tenure."""
    scores, workings = work_out(accumulators, day, standing=standing, **terms)
    fixed = constants(terms["model"], terms["changed"])
    welcome = workings.people["welcome"]
    grace = fixed["t_grace"] * (1.0 - fixed["newcomer_slack"] * welcome)
    trust = (scores.x + 0.5 * grace) / ((scores.x + fixed["distrust_weight"] * scores.xn) + grace)
    return _with(scores, fixed, "T", trust)


def rates(
    accumulators: Accumulators, day: int, standing: Floats | None, terms: dict[str, Any]
) -> Arrays:
    """C is the mean closing rate over introducers, by their voice, instead of a ratio of sums."""
    scores, workings = work_out(accumulators, day, standing=standing, **terms)
    fixed = constants(terms["model"], terms["changed"])
    back = workings.network.reverse
    praised, blamed = workings.edges["praised"][back], workings.edges["blamed"][back]
    voice = workings.people["voice"][workings.network.targets]
    heard = praised + blamed
    rate = np.divide(praised, heard, out=np.zeros_like(heard), where=heard > 0)
    n, sources = accumulators.n, workings.network.sources
    voices = np.bincount(sources, voice * (heard > 0), minlength=n)
    grace, start = fixed["c_grace"], fixed["newcomer"] * workings.people["welcome"]
    closing = np.bincount(sources, voice * rate, minlength=n) + grace * start
    return _with(scores, fixed, "C", closing / (voices + grace))


def _with(scores: Scores, fixed: dict[str, float], name: str, component: Floats) -> Arrays:
    """Scores in which one component is another."""
    arrays = dict(scores.arrays)
    weight = fixed[f"w_{name.lower()}"]
    arrays["raw"] = scores.raw + 100.0 * weight * (component - arrays[name])
    arrays["score"] = arrays["raw"] * scores.F
    arrays[name] = component
    return arrays


def _of_model_2(*names: str) -> dict[str, float]:
    fixed = constants("2")
    return {name: fixed[name] for name in names}


_CLIENTS = _of_model_2("client_grace", "client_cap")
_CREDIT = _of_model_2("client_budget", "blame_weight", "c_grace")
_GRACES = _of_model_2("t_grace", "v_grace", "r_grace")
_TAKERS = _of_model_2("taker_allowance", "taker_grace", "newcomer_gives")
_WEIGHTS = _of_model_2("w_v", "w_t", "w_c", "w_r", "w_p")

CANDIDATES = (
    Candidate("1", "1", "model 1, the contract"),
    Candidate("2", "2", "model 2: the next seven together"),
    Candidate("capped clients", "1", "an introducer's clients count up to .8", _CLIENTS),
    Candidate("closing rate", "1", "budget, blame and grace of C nearer to a rate", _CREDIT),
    Candidate("tenure", "1", "grace of T, V, R grows with tenure", _of_model_2("newcomer_slack")),
    Candidate("saturation", "1", "graces of T, V, R are smaller", _GRACES),
    Candidate("distrust", "1", "words of distrust weigh double", _of_model_2("distrust_weight")),
    Candidate("takers", "1", "less allowance, more grace, a newcomer gives less", _TAKERS),
    Candidate("weights", "1", "V .40, T .15, C .25, R .15, P .05", _WEIGHTS),
    Candidate("independence", "2", "many mutual deals cost voice", formula=independent),
    Candidate(
        "small client grace", "2", "a grace of .02, no cap", {"client_grace": 0.02, "client_cap": 0}
    ),
    Candidate("tight trust", "2", "a budget of trust that binds: 5", {"trust_budget": 5.0}),
    Candidate(
        "tight gratitude", "2", "a budget of gratitude that binds: 5", {"gratitude_budget": 5.0}
    ),
    Candidate("neutral T", "2", "T starts at a half", formula=neutral),
    Candidate("no newcomer", "2", "no grace for newcomers in O", {"newcomer_gives": 0.0}),
    Candidate("rates", "2", "C is a mean of partners' rates", formula=rates),
    Candidate("more C", "2", "C weighs .40, V .25", {"w_c": 0.40, "w_v": 0.25}),
    Candidate(
        "rates, more C", "2", "the last two together", {"w_c": 0.40, "w_v": 0.25}, formula=rates
    ),
)
"""In the order of the report: the versions there are, the parts of model 2, what was dropped."""
