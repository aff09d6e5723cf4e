"""Random networks with their snapshots, and the explanation a second time, slow and obvious."""

from __future__ import annotations

import math
from typing import Any

from random_network import CODEC, RandomNetwork
from refnet import _reference as reference
from refnet import _reference_evidence as naive
from refnet._reference_fold import UNKNOWN, Accumulators
from refnet.domain.facts import Recorded
from refnet.domain.nouns import NOUNS
from refnet.ledger.ledger import Ledger
from refnet.log.batches import Extractor
from refnet.standings import Snapshot, snapshot_at

EXTRACTOR = Extractor(NOUNS, CODEC)

Terms = dict[tuple[str, str, int | None], float]
"""Points by component, source and partner."""


def grown(seed: int, steps: int) -> RandomNetwork:
    net = RandomNetwork(seed)
    net.grow(steps)
    return net


def ledger_of(net: RandomNetwork) -> Ledger:
    ledger = Ledger()
    ledger.append(EXTRACTOR.batch(net.rows))
    return ledger


def scored(net: RandomNetwork, day: int | None = None, model: str = "1") -> Snapshot:
    day = net.days[1] if day is None else day
    return snapshot_at(ledger_of(net), net.position, day, model=model)


def stream_in(net: RandomNetwork) -> Any:
    """Reads the stream of a position, as an engine does."""

    def stream_of(position: int) -> list[tuple[Any, Recorded]]:
        stream = net.facts[position - 1][1].stream
        return [told for told in net.facts if told[1].stream == stream]

    return stream_of


class Slow:
    """What docs/design/explanations.md says, on the facts themselves; no kernel, no ledger."""

    def __init__(self, net: RandomNetwork, day: int, model: str) -> None:
        self.k = reference.MODELS[model]
        policy = naive.policy(net.facts, net.position)
        n = len(naive.members(net.facts, net.position))
        events = naive.events(net.facts, net.position, day)
        self.m = m = reference._Masses(Accumulators(n, events, **policy._asdict()), day)
        sigma = naive.standing(net.facts, net.position)
        self.p = [1.0 if policy.uniform else reference._pretrust(m, j, sigma[j]) for j in m.members]
        self.scores = reference.score(
            n, events, day, standing=sigma, model=model, **policy._asdict()
        )
        self.c, self.e = reference._edges(m)
        self.v = [self.p]
        for _ in range(6):
            last = self.v[-1]
            self.v.append(
                [
                    self.p[j] + 0.7 * reference._sum(self.c[i, j] * last[i] for i in m.near[j])
                    for j in m.members
                ]
            )

    def terms(self, j: int) -> Terms:
        """Points of a member; a part of 0 is none."""
        found: Terms = {}
        k, m = self.k, self.m
        wel = m("WEL", j, j)
        eased = 1.0 - k.slack * wel
        self._thanks(found, "V", "GV", 0.2, (100.0 * k.w_v, k.c_v * eased, wel), j)
        self._thanks(found, "R", "GL", 0.5, (100.0 * k.w_r, k.c_r * eased, wel), j)
        self._trust(found, (100.0 * k.w_t, k.c_t * eased, wel), j)
        self._clients(found, (100.0 * k.w_c, k.c_c, wel), j)
        self._quality(found, 100.0 * k.w_p, wel, j)
        return {key: points for key, points in found.items() if points != 0.0}

    def _thanks(
        self,
        found: Terms,
        name: str,
        field: str,
        c: float,
        frame: tuple[float, float, float],
        j: int,
    ) -> None:
        m = self.m
        gb = m.each_pair(lambda i, q: m("GB", i, q))
        gv = m.each_pair(lambda i, q: m(field, i, q))
        g = {ij: gv[ij] / (gv[ij] + 1.0 * gb[ij] + c) for ij in gv}
        good = {q: 10.0 * (self.p[q] * (g[j, q] / max(10.0, m.in_sum(q, g)))) for q in m.near[j]}
        self._put(found, name, good, {}, 0.0, frame)

    def _trust(self, found: Terms, frame: tuple[float, float, float], j: int) -> None:
        m = self.m
        f2 = (0.7 * 0.7) * reference._sum(self.c[j, q] * self.c[q, j] for q in m.near[j])
        kept = 1.0 - f2
        good = {i: 0.7 * (self.c[i, j] * self.v[5][i]) * kept for i in m.near[j]}
        echo = -self.p[j] * f2
        if self.scores["x"][j] == 0.0:
            good, echo = {}, 0.0
        bad = {i: (self.e[i, j] * self.v[6][i]) * 0.7 * self.k.lam_n for i in m.near[j]}
        against = self.k.lam_n * self.scores["xn"][j]
        self._put(found, "T", good, bad, 0.0, frame, echo=echo, against=against)

    def _clients(self, found: Terms, frame: tuple[float, float, float], j: int) -> None:
        m, k = self.m, self.k
        good, blamed = {}, {}
        for i in m.near[j]:
            said = [(m("CP", i, q), m("CN", i, q)) for q in m.near[i]]
            heard = [cp / self._heard(cp, cn) + cn / self._heard(cp, cn) for cp, cn in said]
            w = self.p[i] * k.b_c / max(k.b_c, reference._sum(heard))
            cp, cn = m("CP", i, j), m("CN", i, j)
            good[i] = w * (cp / self._heard(cp, cn))
            blamed[i] = w * (cn / self._heard(cp, cn))
        cp, cn = m("CP", UNKNOWN, j), m("CN", UNKNOWN, j)
        unknown = 0.25 * (cp / self._heard(cp, cn))
        blamed_unknown = 0.25 * (cn / self._heard(cp, cn))
        self._put(
            found,
            "C",
            good,
            {i: each * 1.0 * k.lam_c for i, each in blamed.items()},
            unknown,
            frame,
            # The weight comes after the sum, as in the model: to 3.0 the order makes a last bit.
            against=k.lam_c * (math.fsum(blamed.values()) + blamed_unknown),
            against_unknown=k.lam_c * blamed_unknown,
        )

    def _heard(self, cp: float, cn: float) -> float:
        return reference._heard(cp + cn, self.k)

    def _quality(self, found: Terms, weight: float, wel: float, j: int) -> None:
        m, k = self.m, self.k
        gb = m.each_pair(lambda i, q: m("GB", i, q))
        gv = m.each_pair(lambda i, q: m("GV", i, q))
        g = {ij: gv[ij] / (gv[ij] + 1.0 * gb[ij] + 0.2) for ij in gv}
        e = {q: self.p[q] * min(g[j, q], g[q, j]) for q in m.near[j]}
        x, xn = self.scores["x"], self.scores["xn"]
        scale = weight / (math.fsum(e.values()) + 0.5)
        for q in m.near[j]:
            worth = x[q] / (x[q] + k.lam_n * xn[q] + k.c_t)
            found["P", "partner", q] = scale * (e[q] * worth)
        found["P", "welcome", None] = scale * ((0.30 * 0.5) * wel)

    def _put(
        self,
        found: Terms,
        name: str,
        good: dict[int, float],
        bad: dict[int, float],
        unknown: float,
        frame: tuple[float, float, float],
        *,
        echo: float = 0.0,
        against: float = 0.0,
        against_unknown: float = 0.0,
    ) -> None:
        """What the component would be with nothing against, and what that takes off."""
        weight, grace, wel = frame
        whole = math.fsum(good.values()) + unknown + echo
        start = 0.30 * (grace * wel)
        scale = weight / (whole + grace)
        for i, term in good.items():
            found[name, "partner", i] = scale * term
        found[name, "unknown", None] = scale * unknown
        found[name, "echo", None] = scale * echo
        found[name, "welcome", None] = scale * start
        if against > 0.0:
            lost = scale * (whole + start) * (against / ((whole + against) + grace))
            for i, term in bad.items():
                found[name, "against", i] = -lost * (term / against)
            found[name, "against", None] = -lost * (against_unknown / against)
