"""Scores other people have proposed, to measure a model against. Each says where it is from."""

from __future__ import annotations

import numpy as np
import rustworkx
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from refnet.accumulators import Accumulators, Events, Kind
from refnet.evaluate.models import Arrays, Judge
from refnet.evaluate.networks import Floats
from refnet.evaluate.opinions import Opinions, of_evidence, of_words
from refnet.scoring import score

DAMPING = 0.85
"""How often a random walk goes on along an edge rather than starting anew."""

_SWEEPS_MAX = 1000
_SETTLED = 1e-10


def pagerank(trust: Opinions, start: Floats | None = None) -> Floats:
    """PageRank over edges of trust, by rustworkx; float64[n], adds up to 1.

    start: where walks start anew, default anybody alike. L. Page, S. Brin, R. Motwani, T. Winograd,
    The PageRank Citation Ranking, Stanford (1999).
    """
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(trust.n))
    edges = zip(trust.source.tolist(), trust.target.tolist(), trust.weight.tolist(), strict=True)
    graph.add_edges_from(list(edges))
    fresh = None if start is None else dict(enumerate((start / start.sum()).tolist()))
    ranks = rustworkx.pagerank(
        graph,
        alpha=DAMPING,
        weight_fn=lambda weight: weight,
        personalization=fresh,
        dangling=fresh,
        tol=_SETTLED,
        max_iter=_SWEEPS_MAX,
    )
    return np.array([ranks[member] for member in range(trust.n)])


def eigentrust(trust: Opinions, pretrust: Floats) -> Floats:
    """EigenTrust: PageRank whose walks start at pre-trusted people, by how far they are that.

    S. Kamvar, M. Schlosser, H. Garcia-Molina, The EigenTrust Algorithm, WWW (2003), equation 5.
    With the same pretrust for all it is PageRank.
    """
    return pagerank(trust, pretrust)


def hitting(trust: Opinions) -> Floats:
    """The chance that a walk from anybody meets a person before it starts anew; float64[n].

    J. Hopcroft, D. Sheldon, Manipulation-Resistant Reputations Using Hitting Time, WAW (2007): the
    expected visits of a person are this chance times the visits of a walk that starts there.
    Where nobody is trusted a walk ends.
    """
    n = trust.n
    steps = _steps(trust)
    visits = np.full(n, 1.0 / n)
    ahead = visits.copy()
    while ahead.sum() > _SETTLED:
        ahead = DAMPING * (steps.T @ ahead)
        visits = visits + ahead
    own = np.ones(n)
    _, part = connected_components(steps, connection="strong")
    for each in np.flatnonzero(np.bincount(part) > 1).tolist():
        inside = np.flatnonzero(part == each)
        among = steps[inside][:, inside].toarray()
        own[inside] = np.diag(np.linalg.inv(np.eye(len(inside)) - DAMPING * among))
    return visits / own


def _steps(trust: Opinions) -> csr_array:
    """The chance of going from one person to another in one step."""
    out = np.bincount(trust.source, trust.weight, trust.n)
    chance = trust.weight / out[trust.source]
    return csr_array((chance, (trust.source, trust.target)), shape=(trust.n, trust.n))


def fairness_goodness(said: Opinions) -> tuple[Floats, Floats]:
    """Fairness, 0 .. 1, of who rates, and goodness, -1 .. 1, of who is rated. weight: -1 .. 1.

    S. Kumar, F. Spezzano, V. Subrahmanian, C. Faloutsos, Edge Weight Prediction in Weighted Signed
    Networks, ICDM (2016), equations 1 and 2, from 1 and 1. Who was not rated keeps goodness 1.
    """
    fairness, goodness = np.ones(said.n), np.ones(said.n)
    for _ in range(_SWEEPS_MAX):
        old = goodness
        goodness = _mean(said.target, fairness[said.source] * said.weight, said.n, 1.0)
        error = np.abs(said.weight - goodness[said.target]) / 2.0
        fairness = 1.0 - _mean(said.source, error, said.n, 0.0)
        if np.abs(goodness - old).max() < _SETTLED:
            break
    return fairness, goodness


def deserve(said: Opinions) -> Floats:
    """How much a person deserves, -1 .. 1, once the bias of who rates is taken out.

    A. Mishra, A. Bhattacharya, Finding the Bias and Prestige of Nodes in Networks Based on Trust
    Scores, WWW (2011), equations 1 to 4. weight: -1 .. 1. Who was not rated deserves 0.
    """
    deserved, sign = np.zeros(said.n), np.sign(said.weight)
    for _ in range(_SWEEPS_MAX):
        old = deserved
        bias = _mean(said.source, (said.weight - deserved[said.target]) / 2.0, said.n, 0.0)
        excess = np.maximum(bias[said.source] * sign, 0.0)
        deserved = _mean(said.target, said.weight * (1.0 - excess), said.n, 0.0)
        if np.abs(deserved - old).max() < _SETTLED:
            break
    return deserved


def mean_rating(said: Opinions) -> Floats:
    """The mean of what was said of a person; 0 if nothing was."""
    return _mean(said.target, said.weight, said.n, 0.0)


def sum_of_ratings(said: Opinions) -> Floats:
    """The sum of what was said of a person."""
    return np.asarray(np.bincount(said.target, said.weight, said.n), np.float64)


def _mean(member: NDArray[np.int64], value: Floats, n: int, none: float) -> Floats:
    count = np.bincount(member, minlength=n)
    return np.where(count > 0, np.bincount(member, value, n) / np.maximum(count, 1), none)


# What can be counted in a referral network without any model.


def closure_rate(events: Events, n: int) -> Floats:
    """Of the referrals a member received and that came to an end, the share that was won; or 0."""
    ended = (events.b[events.kind == kind] for kind in (Kind.WON, Kind.LOST))
    won, lost = (np.bincount(receivers, minlength=n) for receivers in ended)
    return np.asarray(won / np.maximum(won + lost, 1))


def referrals_given(events: Events, n: int) -> Floats:
    """How many referrals of a member were accepted."""
    return np.bincount(events.a[events.kind == Kind.ACCEPTED], minlength=n).astype(np.float64)


def contacts(accumulators: Accumulators) -> Floats:
    """With how many others a member has ever had to do."""
    source = accumulators.keys >> 32
    return np.bincount(source, minlength=accumulators.n).astype(np.float64)


# Baselines called like models, to be tried under the same attacks.


def _by_evidence(
    accumulators: Accumulators, events: Events, day: int, standing: Floats | None
) -> Arrays:
    return {"score": pagerank(of_evidence(accumulators, day))}


def _by_pretrust(
    accumulators: Accumulators, events: Events, day: int, standing: Floats | None
) -> Arrays:
    pretrust = score(accumulators, day, standing=standing).p
    return {"score": eigentrust(of_evidence(accumulators, day), pretrust)}


def _by_hitting(
    accumulators: Accumulators, events: Events, day: int, standing: Floats | None
) -> Arrays:
    return {"score": hitting(of_evidence(accumulators, day))}


def _by_goodness(
    accumulators: Accumulators, events: Events, day: int, standing: Floats | None
) -> Arrays:
    goodness = fairness_goodness(of_words(events, accumulators.n))[1]
    return {"score": (goodness + 1.0) / 2.0}


RIVALS: dict[str, Judge] = {
    "PageRank": _by_evidence,
    "EigenTrust": _by_pretrust,
    "hitting time": _by_hitting,
    "F&G (g+1)/2": _by_goodness,
}
"""Tried under the same attacks: three on words and deals, the last on words alone."""
