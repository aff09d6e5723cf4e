"""Figures of the evidence as SVG. The same evidence gives the same bytes with one matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from refnet.evaluate.on_attacks import Outcomes, gain
from refnet.evaluate.on_ratings import OURS, RatingsEvidence
from refnet.evaluate.on_simulated import KINDS, Measured, gathered
from refnet.evaluate.tables import wait

_SIZE = (7.0, 4.2)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "refnet",  # else ids in the file are drawn by chance
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
}
_NO_DATE = {"Date": None}
_TRIED = ("pair", "ring 10", "clique 5", "clique 10", "clique 30", "tripartite 30", "sybil farm 50")

_GAINS = (1, 1.5, 2, 3, 5, 10, 20)


@contextmanager
def _figure(path: Path) -> Iterator[Any]:
    """Axes that are written to a file at the end."""
    # It reads its settings and the fonts of the system, which importing a module may not.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        yield figure.subplots()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata=_NO_DATE)


def plot_roc(evidence: RatingsEvidence, path: Path) -> None:
    """ROC curves of T and the baselines on the real ratings."""
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - see `measures.auc`

    with _figure(path) as axes:
        for each in evidence.found:
            wrong, right, _ = roc_curve(evidence.fraud, -each.score)
            width = 2.2 if each.name == OURS else 1.0
            axes.plot(wrong, right, label=f"{each.name} {each.auc.auc:.4f}", linewidth=width)
        axes.plot((0, 1), (0, 1), color="0.8", linewidth=0.8)
        axes.set(xlabel="benign people flagged", ylabel="fraudulent people flagged")
        axes.set_title(f"Fraud in real ratings, {evidence.setting}")
        axes.legend(loc="lower right", frameon=False)


def plot_kinds(measured: Sequence[Measured], path: Path) -> None:
    """How scores lie by planted kind."""
    with _figure(path) as axes:
        values = [gathered(measured, "score", _settled(kind)) for kind in KINDS]
        values.append(gathered(measured, "score", lambda one: one.newcomer))
        axes.boxplot(values, tick_labels=[*KINDS, "newcomer"], whis=(5, 95), sym="")
        axes.set(ylabel="score", ylim=(0, 100))
        axes.set_title("Score at the end by planted kind; boxes are quartiles, whiskers 5 to 95 %")


def plot_gains(outcomes: Mapping[str, Outcomes], path: Path) -> None:
    """What colluders gain under the model and under each baseline."""
    with _figure(path) as axes:
        kinds = [f"{shape} {way}" for way in ("words", "deals") for shape in _TRIED]
        place, width = np.arange(len(kinds)), 0.8 / len(outcomes)
        for at, (name, found) in enumerate(outcomes.items()):
            gains = [gain(found, kind) for kind in kinds]
            axes.bar(place + at * width, gains, width, label=name)
        axes.axhline(1.0, color="0.4", linewidth=0.8)
        axes.set_xticks(place + 0.4 - width / 2, kinds, rotation=40, ha="right")
        axes.set(ylabel="after by before", yscale="log", ylim=(0.9, 60))
        axes.set_yticks(_GAINS, [f"{gained:g}" for gained in _GAINS])
        axes.set_yticks([], minor=True)
        axes.set_title("What colluders gain")
        axes.legend(frameon=False, ncols=5, loc="upper center", columnspacing=1, handlelength=1)


def plot_waiting(measured: Sequence[Measured], path: Path) -> None:
    """The share of opportunists flagged by week."""
    with _figure(path) as axes:
        for kind, colour in (("taker", "C0"), ("turncoat", "C1")):
            for threshold, style in ((0.5, "-"), (0.6, "--")):
                weeks, flagged = wait(measured, kind, threshold).curve()
                axes.step(
                    np.concatenate([[0.0], weeks]),
                    np.concatenate([[0.0], flagged]),
                    where="post",
                    color=colour,
                    linestyle=style,
                    label=f"{kind}, O from {threshold}",
                )
        axes.axvline(10, color="0.7", linewidth=0.8)
        axes.set(xlabel="weeks since induction, or the turn", ylabel="share flagged", ylim=(0, 1))
        axes.set_title("Weeks until opportunists are flagged (Kaplan-Meier); the line is the goal")
        axes.legend(loc="lower right", frameon=False)


def plot_balance(measured: Sequence[Measured], path: Path) -> None:
    """Balance of give and take against planted generosity."""
    with _figure(path) as axes:
        for kind in KINDS:
            chosen = [(one, one.settled(kind)) for one in measured[:1]]
            freely = np.concatenate([one.network.plant.generosity[who] for one, who in chosen])
            balance = np.concatenate([one.arrays["bal"][who] for one, who in chosen])
            axes.scatter(freely, balance, s=8, label=kind, alpha=0.7, linewidths=0)
        axes.axhline(0.30, color="0.7", linewidth=0.8)
        axes.axhline(0.65, color="0.7", linewidth=0.8)
        axes.set(xlabel="planted generosity", ylabel="balance", xlim=(0, 1), ylim=(0, 1))
        seed = measured[0].network.seed
        axes.set_title(f"Balance against generosity, seed {seed}; the lines part the labels")
        axes.legend(frameon=False, ncols=5, loc="upper center", markerscale=2)


def _settled(kind: str) -> Callable[[Measured], Any]:
    return lambda one: one.settled(kind)
