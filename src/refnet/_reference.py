"""The score model a second time, slow and obvious; the kernel must say the same to the last bit.

Written from the score model alone: its formulas in its order, with its names and parentheses, on
Python's own integers and floats. Used by the audit and by tests, never to serve. Section numbers
are those of the score model; sections 1 and 3 live in `refnet._reference_fold`.

Three habits carry the bits. "x + y + z" is read from left to right, as (x + y) + z. Every sum runs
through `_sum`, because the built-in `sum` compensates rounding from Python 3.12 on and so differs
from a plain loop. And because the pair set is symmetrised, one ascending list of neighbours of each
member serves both written orders: the out-sum over i (pairs by src, dst) and the in-sum over j
(pairs by dst, src).

A caller's broken promise (an event after the day read, an unknown member) is a ValueError: what a
client may get wrong was refused long before.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from refnet._reference_fold import UNKNOWN, Accumulators, Event, Kind, decay_table

__all__ = [
    "ARRAYS",
    "MODELS",
    "Accumulators",
    "Event",
    "Kind",
    "decay_table",
    "digest",
    "direct_trust",
    "endorsement",
    "events_from_golden",
    "pair_balance",
    "score",
]

Arrays = dict[str, list[float]]
Pairs = dict[tuple[int, int], float]


class Model(NamedTuple):
    """The constants in which versions differ (docs/design/model-2.md); those of model 1 below."""

    w_v: float = 0.20
    w_t: float = 0.30
    w_c: float = 0.25
    w_r: float = 0.15
    w_p: float = 0.10
    lam_n: float = 6.0
    lam_c: float = 3.0
    c_t: float = 0.5
    c_v: float = 2.5
    c_r: float = 2.5
    c_c: float = 0.8
    c_n: float = 0.5
    kappa: float | None = None
    b_c: float = 8.0
    slack: float = 0.0
    theta: float = 2.0
    nu: float = 0.8
    g0: float = 0.5


MODELS = {
    "1": Model(),
    "2": Model(
        w_v=0.40,
        w_t=0.15,
        w_c=0.25,
        w_r=0.15,
        w_p=0.05,
        lam_n=12.0,
        lam_c=4.0,
        c_t=0.3,
        c_v=1.25,
        c_r=1.25,
        c_c=1.0,
        kappa=0.8,
        b_c=4.0,
        slack=0.75,
        theta=1.5,
        nu=1.5,
        g0=0.1,
    ),
}

ARRAYS: tuple[str, ...] = (
    *("score", "raw", "V", "T", "C", "R", "P", "give", "take", "bal", "bil"),
    *("D", "N", "O", "F", "x", "xn", "p"),
)
"""Names of the arrays of a score, in the order of the digest (section 2)."""


def score(
    n: int,
    events: Iterable[Event],
    day: int,
    *,
    standing: Sequence[float] | None = None,
    uniform: bool = False,
    decay: bool = True,
    value_half: int = 1000,
    model: str = "1",
) -> Arrays:
    """The 18 arrays of section 2, named and ordered as in ARRAYS, each of length n.

    `events` in log order, none later than `day`; `standing` is sigma in [0, 1] per member, 1 if
    left out. raw and score are in 0..100; give, take, x and xn are masses >= 0; the rest is in
    [0, 1]. model: a version of the score model. Raises ValueError for a malformed or later event.
    """
    k = MODELS[model]
    m = _Masses(Accumulators(n, events, uniform=uniform, decay=decay, value_half=value_half), day)
    sigma = [1.0] * n if standing is None else standing
    p = [1.0 if uniform else _pretrust(m, j, sigma[j]) for j in m.members]
    wel = [m("WEL", j, j) for j in m.members]
    x, xn = _propagate(m, p)
    give, take, bil = _reciprocity(m, p)
    g, thanks = _gratitude(m, p, "GV", 0.2)
    _, lasting_thanks = _gratitude(m, p, "GL", 0.5)
    praise, blame = _clients(m, p, k)
    bad_trust = [k.lam_n * xn[j] for j in m.members]
    bad_clients = [k.lam_c * blame[j] for j in m.members]
    eased = [1.0 - k.slack * wel[j] for j in m.members]
    every = [1.0] * n
    none = [0.0] * n
    out: Arrays = {"give": give, "take": take, "bil": bil, "x": x, "xn": xn, "p": p}
    out["V"] = _component(thanks, none, k.c_v, eased, wel)
    out["T"] = _component(x, bad_trust, k.c_t, eased, wel)
    out["C"] = _component(praise, bad_clients, k.c_c, every, wel)
    out["R"] = _component(lasting_thanks, none, k.c_r, eased, wel)
    trust = [x[j] / (x[j] + bad_trust[j] + k.c_t) for j in m.members]
    out["P"] = _partners(m, p, g, trust, wel)
    out["bal"] = [(give[j] + 1.0) / (give[j] + take[j] + 2.0) for j in m.members]
    out["D"] = [_taking(give[j], take[j], wel[j], k) for j in m.members]
    out["N"] = [xn[j] / (xn[j] + x[j] + 0.5) for j in m.members]
    out["O"] = [_opportunism(out["D"][j], out["N"][j], m("SIG", j, j)) for j in m.members]
    out["F"] = [_factor(o) for o in out["O"]]
    out["raw"] = [100.0 * _raw(k, *(out[name][j] for name in "VTCRP")) for j in m.members]
    out["score"] = [out["raw"][j] * out["F"][j] for j in m.members]
    return {name: out[name] for name in ARRAYS}


def pair_balance(folded: Accumulators, day: int, i: int, j: int) -> float:
    """b_ij of section 4.4: how far i gave more to j than j to i; 0.5 without evidence."""
    rg_ij, rg_ji = folded.mass("RG", i, j, day), folded.mass("RG", j, i, day)
    return (rg_ij + 0.25) / (rg_ij + rg_ji + 0.5)


def direct_trust(folded: Accumulators, day: int, i: int, j: int) -> float:
    """t_ij of section 4.6: what i knows of j at first hand, in [0, 1)."""
    m = endorsement(folded, day, i, j) + 0.3 * folded.mass("MT", i, j, day)
    return m / (m + 0.5 + 2.0 * folded.mass("TN", i, j, day))


def endorsement(folded: Accumulators, day: int, i: int, j: int) -> float:
    """a_ij of section 4.1."""
    tp, gv_ij = folded.mass("TP", i, j, day), folded.mass("GV", i, j, day)
    return (tp + 0.25 * gv_ij) + 0.5 * folded.mass("GV", j, i, day)


def _sum(terms: Iterable[float]) -> float:
    total = 0.0
    for term in terms:
        total = total + term
    return total


class _Masses:
    """The masses on one day: `m(field, i, j)`; out-sums and in-sums of j run over `m.near[j]`."""

    def __init__(self, folded: Accumulators, day: int) -> None:
        self.folded, self.day = folded, day
        self.members = range(folded.n)
        self.near = folded.neighbours()

    def __call__(self, field: str, i: int, j: int) -> float:
        return self.folded.mass(field, i, j, self.day)

    def each_pair(self, formula: Callable[[int, int], float]) -> Pairs:
        return {(i, j): formula(i, j) for i in self.members for j in self.near[i]}

    def out_sum(self, i: int, terms: Pairs) -> float:
        return _sum(terms[i, k] for k in self.near[i])

    def in_sum(self, j: int, terms: Pairs) -> float:
        return _sum(terms[k, j] for k in self.near[j])


# --- 4.1 pre-trust and edges, 4.2 propagation


def _pretrust(m: _Masses, i: int, sigma: float) -> float:
    at = m("AT", i, i)
    return sigma * (at / (at + 6.0))


def _edges(m: _Masses) -> tuple[Pairs, Pairs]:
    """C and E: what each member passes on of trust and of distrust, every entry < 1/10."""
    a = m.each_pair(lambda i, j: endorsement(m.folded, m.day, i, j))
    tn = m.each_pair(lambda i, j: m("TN", i, j))
    s = {ij: a[ij] / ((a[ij] + 0.1) + tn[ij]) for ij in a}
    d = {ij: tn[ij] / ((tn[ij] + 0.5) + a[ij]) for ij in a}
    s_budget = [max(10.0, m.out_sum(i, s)) for i in m.members]
    d_budget = [max(10.0, m.out_sum(i, d)) for i in m.members]
    return (
        m.each_pair(lambda i, j: s[i, j] / s_budget[i]),
        m.each_pair(lambda i, j: d[i, j] / d_budget[i]),
    )


def _propagate(m: _Masses, p: list[float]) -> tuple[list[float], list[float]]:
    """The x and n of section 4.2: trust and distrust received from others."""
    c, e = _edges(m)
    v = p
    for _ in range(6):
        v = [p[j] + 0.7 * _sum(c[i, j] * v[i] for i in m.near[j]) for j in m.members]
    f2 = [(0.7 * 0.7) * _sum(c[j, k] * c[k, j] for k in m.near[j]) for j in m.members]
    x = [max(0.0, v[j] * (1.0 - f2[j]) - p[j]) for j in m.members]
    n = [0.7 * _sum(e[i, j] * v[i] for i in m.near[j]) for j in m.members]
    return x, n


# --- 4.3 components


def _component(
    good: list[float], bad: list[float], c: float, part: list[float], wel: list[float]
) -> list[float]:
    """comp(A, bad, c * part) for every member."""
    return [
        (big_a + (0.30 * ((c * of) * w))) / ((big_a + b) + c * of)
        for big_a, b, of, w in zip(good, bad, part, wel, strict=True)
    ]


def _gratitude(m: _Masses, p: list[float], field: str, c: float) -> tuple[Pairs, list[float]]:
    """g_jk, and Vt (or Wt) of every giver j; each receiver k has a finite budget."""
    gb = m.each_pair(lambda j, k: m("GB", j, k))
    gv = m.each_pair(lambda j, k: m(field, j, k))
    g = {jk: gv[jk] / (gv[jk] + 1.0 * gb[jk] + c) for jk in gv}
    budget = [max(10.0, m.in_sum(k, g)) for k in m.members]
    return g, [10.0 * _sum(p[k] * (g[j, k] / budget[k]) for k in m.near[j]) for j in m.members]


def _clients(m: _Masses, p: list[float], k: Model) -> tuple[list[float], list[float]]:
    """What clients said, by introducer: sum_i w_i P_ij and sum_i w_i N_ij of section 4.3."""
    slots = [(i, j) for j in m.members for i in (UNKNOWN, *m.near[j])]
    cp = {ij: m("CP", *ij) for ij in slots}
    cn = {ij: m("CN", *ij) for ij in slots}
    heard = {ij: _heard(cp[ij] + cn[ij], k) for ij in slots}
    good = {ij: cp[ij] / heard[ij] for ij in slots}
    bad = {ij: cn[ij] / heard[ij] for ij in slots}
    w = {UNKNOWN: 0.25}
    for i in m.members:
        said = _sum(good[i, j] + bad[i, j] for j in m.near[i])
        w[i] = p[i] * k.b_c / max(k.b_c, said)
    return (
        [_sum(w[i] * good[i, j] for i in (UNKNOWN, *m.near[j])) for j in m.members],
        [_sum(w[i] * bad[i, j] for i in (UNKNOWN, *m.near[j])) for j in m.members],
    )


def _heard(said: float, k: Model) -> float:
    """What the clients of one introducer are divided by: halved at c_n, or capped at kappa."""
    return said + k.c_n if k.kappa is None else max(1.0, said / k.kappa)


def _partners(
    m: _Masses, p: list[float], g: Pairs, trust: list[float], wel: list[float]
) -> list[float]:
    """P: the mean trust T'_k in the mutual partners k of j."""
    e = m.each_pair(lambda j, k: p[k] * min(g[j, k], g[k, j]))
    weighed = {(j, k): e[j, k] * trust[k] for j, k in e}
    return [
        (m.out_sum(j, weighed) + 0.30 * 0.5 * wel[j]) / (m.out_sum(j, e) + 0.5) for j in m.members
    ]


# --- 4.4 reciprocity, 4.5 opportunism index and final score


def _reciprocity(m: _Masses, p: list[float]) -> tuple[list[float], list[float], list[float]]:
    """give, take and the bilateral give-back q."""
    rg = m.each_pair(lambda j, k: m("RG", j, k))
    r = {jk: min(rg[jk], 0.25) / 0.25 for jk in rg}
    back = m.each_pair(lambda k, j: (min(rg[j, k], rg[k, j]) + 0.25) / (rg[k, j] + 0.25))
    give = [_sum(p[k] * r[j, k] for k in m.near[j]) for j in m.members]
    take = [_sum(p[k] * r[k, j] for k in m.near[j]) for j in m.members]
    returned = [_sum((p[k] * r[k, j]) * back[k, j] for k in m.near[j]) for j in m.members]
    return give, take, [(returned[j] + 1.0) / (take[j] + 1.0) for j in m.members]


def _taking(give: float, take: float, wel: float, k: Model) -> float:
    gg = give + k.g0 * wel
    return max(0.0, take - k.theta * gg) / (take + gg + k.nu)


def _opportunism(dj: float, nj: float, sig: float) -> float:
    sj = sig / (sig + 0.5)
    return 1.0 - (1.0 - dj) * (1.0 - 0.6 * nj) * (1.0 - sj)


def _factor(o: float) -> float:
    z = min(1.0, max(0.0, (o - 0.35) / (0.75 - 0.35)))
    return 1.0 - 0.9 * ((z * z) * (3.0 - 2.0 * z))


def _raw(k: Model, v: float, t: float, c: float, r: float, p: float) -> float:
    return k.w_v * v + k.w_t * t + k.w_c * c + k.w_r * r + k.w_p * p


# --- 2 golden vector and digest

_ROWS: dict[int, Callable[[int, int, int, int], list[Event]]] = {
    0: lambda day, a, b, _: [(day, Kind.MEETING, a, b, 100)],
    1: lambda day, a, _, __: [(day, Kind.ATTENDANCE, a, -1, 1000)],
    2: lambda *_: [],  # a referral passed is the giver's claim alone
    4: lambda day, a, b, x: [(day, Kind.TESTIMONIAL, a, b, x)],
    5: lambda day, a, b, x: [(day, Kind.CLIENT, a, b, x)],
    6: lambda day, _, b, __: [(day, Kind.SIGNAL, b, -1, 1000)],  # "on b"; model events use a
}
_OUTCOMES = {0: (Kind.JUNK,), 1: (Kind.ACCEPTED,), 2: (Kind.WON, Kind.CLOSED), 3: (Kind.LOST,)}


def events_from_golden(golden: dict[str, Any]) -> list[Event]:
    """Model events of a golden vector: all JOINs first, then its rows in their order."""
    events: list[Event] = [
        (day, Kind.JOIN, member, -1, 1000) for member, day in enumerate(golden["join_day"])
    ]
    for day, kind, a, b, x, y in golden["events"]:
        if kind == 3:
            events += [(day, k, a, b, y if k is Kind.CLOSED else 0) for k in _OUTCOMES[x]]
        else:
            events += _ROWS[kind](day, a, b, x)
    return events


def digest(arrays: Arrays) -> str:
    """Hex SHA-256 of the 18 arrays as section 2 lays them out."""
    n = len(arrays["score"])
    told = hashlib.sha256(b"refnet/scores/v1\n" + struct.pack(">Q", n))
    for name in ARRAYS:
        told.update(struct.pack(f"<{n}d", *arrays[name]))
    return told.hexdigest()
