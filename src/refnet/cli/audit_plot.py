"""A score over time as a picture: SVG written here, PNG by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from refnet.cli.command import CommandFailed
from refnet.cli.moments import date_of
from refnet.history import Seen

_WIDTH, _HEIGHT, _LEFT, _TOP, _LINE = 860, 300, 46, 34, 16
_FULL = 100.0


@dataclass(frozen=True)
class Mark:
    """A step of the curve, and in words what moved it. at: the place of the point it led to."""

    at: int
    words: str


def write_svg(path: Path, title: str, seen: Sequence[Seen], marks: Sequence[Mark]) -> None:
    """Write the curve from 0 to 100, with numbered marks and their words. Raises OSError."""
    path.write_text(svg(title, seen, marks), encoding="utf-8")


def svg(title: str, seen: Sequence[Seen], marks: Sequence[Mark]) -> str:
    """The curve as an SVG document; the same points give the same text."""
    across = _Axis(seen)
    spots = [(across(each.day), _up(each.values["score"])) for each in seen]
    bottom = _TOP + _HEIGHT
    lines = [
        f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(title)}</text>',
        *(_level(level) for level in range(0, 101, 25)),
        '<polyline fill="none" stroke="#1f5fa8" stroke-width="1.5" points="'
        + " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        + '"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="#1f5fa8"/>' for x, y in spots),
    ]
    if seen:
        lines += [
            f'<text x="{_LEFT}" y="{bottom + 18}">{date_of(seen[0].day)}</text>',
            _end(bottom + 18, date_of(seen[-1].day)),
        ]
    for number, mark in enumerate(marks, 1):
        x, y = spots[mark.at]
        below = bottom + 24 + _LINE * number
        lines += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="none" stroke="#b3261e"/>',
            f'<text x="{x:.1f}" y="{y - 8:.1f}" fill="#b3261e">{number}</text>',
            f'<text x="{_LEFT}" y="{below}">{number}: {escape(mark.words)}</text>',
        ]
    size = f'width="{_LEFT + _WIDTH + 20}" height="{bottom + 40 + _LINE * len(marks)}"'
    style = 'font-family="sans-serif" font-size="12"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    white = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([opening, white, *lines, "</svg>\n"])


def _end(y: int, words: str) -> str:
    return f'<text x="{_LEFT + _WIDTH}" y="{y}" text-anchor="end">{words}</text>'


def write_png(path: Path, title: str, seen: Sequence[Seen], marks: Sequence[Mark]) -> None:
    """The same as PNG. Raises CommandFailed without matplotlib, OSError."""
    try:
        # A second to import, and part of an extra that most do without.
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise CommandFailed(
            "NOT_INSTALLED",
            f"--png needs {missing.name}, which is not installed; "
            "pip install 'refnet[evaluate]' brings it, and --svg needs nothing",
        ) from missing
    figure = Figure(figsize=(9.0, 4.0 + 0.2 * len(marks)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    days = [each.day for each in seen]
    scores = [each.values["score"] for each in seen]
    axes.plot(days, scores, marker=".", linewidth=1.2)
    for number, mark in enumerate(marks, 1):
        axes.annotate(str(number), (days[mark.at], scores[mark.at]), color="#b3261e")
    axes.set_ylim(0.0, _FULL)
    ticks = sorted({days[0], days[len(days) // 2], days[-1]}) if days else []
    axes.set_xticks(ticks, [date_of(day) for day in ticks])
    words = [f"{number}: {mark.words}" for number, mark in enumerate(marks, 1)]
    axes.set_xlabel("\n".join(words), loc="left")
    axes.set_title(title, loc="left")
    figure.savefig(path, format="png", metadata={"Software": None})


class _Axis:
    """Days to places from left to right."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._first = seen[0].day if seen else 0
        self._days = max(1, (seen[-1].day if seen else 0) - self._first)

    def __call__(self, day: int) -> float:
        return _LEFT + _WIDTH * (day - self._first) / self._days


def _up(score: float) -> float:
    return _TOP + _HEIGHT * (1.0 - score / _FULL)


def _level(level: int) -> str:
    y = _up(float(level))
    return (
        f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{level}</text>'
    )
