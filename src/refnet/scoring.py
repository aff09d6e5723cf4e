"""Accumulators to scores: the door to the kernel (score-model section 4)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refnet import _scoring
from refnet.accumulators import Accumulators, Network

MODELS = _scoring.MODEL_NAMES
"""Versions of the score model: each is constants and formulas together, and never changes."""

MODEL = "1"
"""The version that scores are made with unless another one is asked for."""

ARRAYS = _scoring.ARRAY_NAMES
"""Names of the arrays of Scores, in the order in which the digest hashes them."""

Floats = NDArray[np.float64]

_SMALLEST_TILE_BITS = 8
"""Below this, going from tile to tile takes longer than what is in them."""

_BLOCKS_A_THREAD = 4
"""So that no thread waits long for the one with the fullest."""

_MOST_BLOCKS = 512
"""There are as many tiles as blocks squared, and each costs time and 16 bytes even if empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of members 0 .. n - 1 on a day; each array is float64[n], read only.

    score and raw are 0 .. 100. V, T, C, R, P are the components, 0 .. 1: value transmitted, trust
    created, client credibility, referrals over time, partner quality. give and take are what
    standing partners acknowledge, in partners; bal and bil, balance and bilateral give-back, 0 ..
    1. D, N and O make up opportunism, 0 .. 1, and F the factor it costs, 0.1 .. 1. x and xn are
    trust and distrust received, p the pretrust.
    """

    n: int
    day: int
    score: Floats
    raw: Floats
    V: Floats
    T: Floats
    C: Floats
    R: Floats
    P: Floats
    give: Floats
    take: Floats
    bal: Floats
    bil: Floats
    D: Floats
    N: Floats
    O: Floats  # noqa: E741 - the model's letter
    F: Floats
    x: Floats
    xn: Floats
    p: Floats

    @property
    def arrays(self) -> dict[str, Floats]:
        """The arrays by name, in the order of ARRAYS."""
        return {name: getattr(self, name) for name in ARRAYS}

    def digest(self) -> str:
        """Hex SHA-256 of score-model section 2."""
        return digest(self.arrays)

    def order(self, first: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """Member ids from first to last rank: score descending, of equal scores the lower id first.

        first: bool[n], who is listed before all others whatever the score.
        """
        ids = np.arange(self.n)
        behind = np.zeros(self.n, bool) if first is None else ~np.asarray(first, bool)
        return np.lexsort((ids, -self.score, behind))

    def ranks(self, first: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """1-based rank of each member by id, in the order of `order`."""
        ranks = np.empty(self.n, np.int64)
        ranks[self.order(first)] = np.arange(1, self.n + 1)
        return ranks


class PairBalance(NamedTuple):
    """What i gave to j lately, what i took from j, and b_ij in (0, 1) (score-model section 4.4)."""

    given: float
    taken: float
    balance: float


def digest(arrays: dict[str, Floats]) -> str:
    """Hex SHA-256 of the arrays of ARRAYS, each float64[n] (score-model section 2)."""
    hashed = hashlib.sha256(b"refnet/scores/v1\n")
    hashed.update(len(arrays[ARRAYS[0]]).to_bytes(8, "big"))
    for name in ARRAYS:
        hashed.update(np.ascontiguousarray(arrays[name], "<f8").tobytes())
    return hashed.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Workings:
    """What the kernel computed on the way to scores; every number is the kernel's own.

    network: the slots. Of slot s, the pair (i, k): `edges` has given, recent (GV and RG), valued,
    lasting (the g of V and R), praised, blamed (the P and N of C), trust and distrust (C_ik and
    E_ik); `flows` has out_trust (C_ik), in_distrust (E_ki) and mutual (e_ik of P); each
    float64[pairs]. Of member j `people` has welcome (wel_j), signalled (SIG), voice (w_j),
    value_spent, lasting_spent (what j as a receiver divides by), echo (f2_j), reach (V_j of 4.2)
    and worth (T'_j), each float64[n]; "reached" is V of the pull before the last.
    """

    network: Network
    edges: dict[str, Floats]
    flows: dict[str, Floats]
    people: dict[str, Floats]


def score(
    accumulators: Accumulators,
    day: int,
    *,
    standing: Floats | None = None,
    model: str = MODEL,
    changed: Mapping[str, float] | None = None,
    threads: int = 1,
) -> Scores:
    """Scores on a day, which may not lie before that of any event folded.

    standing: float64[n] in 0 .. 1, of each member's chapter; 1 for all if None. model: one of
    MODELS. changed: constants to try instead of the model's, by name; what comes of them is of no
    model. threads: 1 .. 1024; any number gives the same bits. Needs about 100 bytes a pair while it
    runs. Raises ValueError.
    """
    return work_out(
        accumulators, day, standing=standing, model=model, changed=changed, threads=threads
    )[0]


def work_out(
    accumulators: Accumulators,
    day: int,
    *,
    standing: Floats | None = None,
    model: str = MODEL,
    changed: Mapping[str, float] | None = None,
    threads: int = 1,
) -> tuple[Scores, Workings]:
    """As `score`, and the workings too."""
    n = accumulators.n
    network = accumulators.network()
    pairs = len(network.targets)
    edges = np.empty((pairs, len(_scoring.EDGE_NAMES)))
    flows = np.empty((len(_scoring.FLOW_NAMES), pairs))
    places, weights = np.empty(pairs, np.uint32), np.empty(pairs)
    people = np.empty((len(_scoring.PERSON_NAMES), n))
    out = np.empty((len(ARRAYS), n))
    level = np.ones(n) if standing is None else np.ascontiguousarray(standing, np.float64)
    everyone = np.arange(n, dtype=np.int32)
    fixed = constants(model, changed)
    compute(
        accumulators, day, level, fixed, threads,
        everyone, everyone, edges, flows, places, weights, people, out,
    )  # fmt: skip
    workings = Workings(
        network,
        dict(zip(_scoring.EDGE_NAMES, edges.T, strict=True)),
        dict(zip(_scoring.FLOW_NAMES, flows, strict=True)),
        dict(zip(_scoring.PERSON_NAMES, people, strict=True)),
    )
    return Scores(n, day, *out), workings


def compute(
    accumulators: Accumulators,
    day: int,
    standing: Floats,
    model: Mapping[str, float],
    threads: int,
    rows: NDArray[np.int32],
    near: NDArray[np.int32],
    edges: Floats,
    flows: Floats,
    places: NDArray[np.uint32],
    weights: Floats,
    people: Floats,
    out: Floats,
) -> None:
    """Call the kernel (`score` in _scoring.pyx, which says what is what). Raises ValueError."""
    _check_day(accumulators, day)
    network = accumulators.network()
    bits = tile_bits(accumulators.n, threads)
    _scoring.score(
        network.offsets,
        network.targets,
        network.reverse,
        accumulators.pair_totals,
        accumulators.pair_periods,
        accumulators.member_totals,
        accumulators.member_periods,
        standing,
        day,
        accumulators.tables,
        accumulators.decay,
        accumulators.uniform,
        rows,
        near,
        edges,
        flows,
        people,
        out,
        tile_bounds(accumulators.n, bits),
        places,
        weights,
        model,
        bits,
        threads,
    )
    out.flags.writeable = False


def tile_bits(n: int, threads: int) -> int:
    """Into tiles of 2^what members the kernel shall cut so many, with work for every thread."""
    bits: int = _scoring.TILE_BITS
    wanted = min(_BLOCKS_A_THREAD * threads, _MOST_BLOCKS) if threads > 1 else 0
    while bits > _SMALLEST_TILE_BITS and n >> bits < wanted:
        bits -= 1
    return bits


def tile_bounds(n: int, bits: int) -> NDArray[np.int64]:
    """Scratch for where the tiles of n members lie."""
    blocks = -(-n >> bits)
    return np.empty((blocks, 2, blocks), np.int64)


def constants(model: str, changed: Mapping[str, float] | None = None) -> dict[str, float]:
    """The constants of a model by name, as the kernel uses them (`Model` in _model.pxd).

    changed: others instead of some of them. Raises ValueError for an unknown model or name, and for
    a value that is not finite.
    """
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r}; choose one of {', '.join(MODELS)}")
    found = _scoring.constants(MODELS.index(model))
    for name, value in (changed or {}).items():
        if name not in found:
            raise ValueError(f"there is no constant {name!r}; there are {', '.join(found)}")
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value} is not finite; constants are")
        found[name] = float(value)
    return found


def pair_balance(accumulators: Accumulators, i: int, j: int, day: int) -> PairBalance:
    """Reciprocity of two members on a day, also of two who never met. Raises ValueError."""
    if i == j or not (0 <= i < accumulators.n and 0 <= j < accumulators.n):
        raise ValueError("a pair balance is of two different known members")
    _check_day(accumulators, day)
    given, taken = accumulators.masses("RG", [i, j], [j, i], day).tolist()
    return PairBalance(given, taken, _scoring.balance_of(given, taken))


def _check_day(accumulators: Accumulators, day: int) -> None:
    if day < accumulators.last_day:
        raise ValueError(
            f"day {day} lies before an event of day {accumulators.last_day};"
            " fold only what happened up to the day to read"
        )
