"""What may go wrong in a line of formulas, by rules: one change for each mutant.

The rules read the source: a formula, constant or field that somebody adds tomorrow is broken
tomorrow. Only what a rule cannot know stands here by name: which indices are easily confused.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutants.lines import Line, Token, logical_lines, tokens

OPERATORS = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "//": "*",
    "%": "*",
    "+=": "-=",
    "-=": "+=",
    ">>": "<<",
    "<<": ">>",
    "&": "|",
    "|": "&",
    "|=": "&=",
    "and": "or",
    "or": "and",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
}
CONFUSED = {
    "s": "back",
    "back": "s",
    "slot": "back",
    "j": "k",
    "k": "j",
    "i": "j",
    "a": "b",
    "b": "a",
    "source": "target",
    "target": "source",
    "sources": "targets",
    "targets": "sources",
    "larger": "smaller",
    "smaller": "larger",
    "max": "min",
    "min": "max",
    "minimum": "maximum",
    "maximum": "minimum",
    "giver": "receiver",
    "receiver": "giver",
    "first": "second",
    "second": "first",
    "key": "reference",
    "reference": "key",
    "origin": "key",
    "totals": "periods",
    "pair_now": "pair_scale",
}
_DROPPED = {"+", "-", "*", "/", "//", "|", "&", "and", "or"}
_LOOSER = {"or": 0, "and": 1, "|": 3, "&": 4, "<<": 5, ">>": 5, "+": 6, "-": 6}
_LOOSER |= dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in", "is", "not"), 2)
_LOOSER |= dict.fromkeys(("*", "/", "//", "%"), 7)
_CLAUSES = {"if", "elif", "else", "while", "for", "return", "in", "and", "or", "not", "lambda"}
_KEPT = {*_CLAUSES, "cdef", "pass", "continue", "break", "except", "try", "with", "yield"}
_REFUSES = re.compile(r"\s*(?:raise_for|raise|assert)\b|\s*return [A-Z_]+\s*$")


@dataclass(frozen=True)
class Mutant:
    """One change: of what kind, in which logical line, and the lines it becomes.

    nth: of equal lines in one place, which.
    """

    file: str
    line: Line
    kind: str
    text: str
    nth: int = 1

    @property
    def compiled(self) -> bool:
        """Whether it is in Cython."""
        return not self.file.endswith(".py")

    @property
    def name(self) -> str:
        """Stays the same while the line does, wherever it moves."""
        place = f"{self.line.place}: " if self.line.place else ""
        which = f" (line {self.nth} of these)" if self.nth > 1 else ""
        return f"{self.file}: {place}{squeezed(self.line.text)} -> {squeezed(self.text)}{which}"

    def applied(self, source: str) -> str:
        """The source with this one change."""
        physical = source.splitlines()
        first = self.line.number - 1
        assert "\n".join(physical[first : first + self.line.count]) == self.line.text
        physical[first : first + self.line.count] = self.text.splitlines()
        return "\n".join(physical) + "\n"


def squeezed(text: str) -> str:
    """Text without notes, on one line."""
    kept = "".join(token.text for token in tokens(text) if token.kind != "note")
    return re.sub(r"([(\[]) | (?=[)\]])", r"\1", " ".join(kept.split()))


def mutants_of(
    path: Path, families: dict[str, str], skipped: re.Pattern[str], *, every: bool = False
) -> Iterator[Mutant]:
    """The mutants of a file, in the order of its lines.

    families: which name of an enum or struct is taken for which. skipped: places left alone. every:
    all changes of each kind to a line; else one of each kind, chosen by the text of the line, and
    of constants all.
    """
    lines = list(logical_lines(path.read_text()))
    seen: dict[tuple[str, str], int] = {}
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        if skipped.search(line.place) or _is_check(line, after):
            continue
        known = line.place, squeezed(line.text)
        seen[known] = nth = seen.get(known, 0) + 1
        changes: dict[str, list[str]] = {}
        for kind, text in _broken(line, families):
            changes.setdefault(kind, []).append(text)
        if not changes or every:
            changes |= _dropped_statement(line)
        for kind, texts in changes.items():
            one = zlib.crc32(squeezed(line.text).encode()) % len(texts)
            whole = every or line.verbatim
            for text in dict.fromkeys(texts if whole else texts[one : one + 1]):
                yield Mutant(path.name, line, kind, text, nth)


def families_in(sources: list[str]) -> dict[str, str]:
    """Each name of an enum, and each field of a struct, with the one that follows it."""
    found: dict[str, str] = {}
    for source in sources:
        for body in re.findall(r"^cdef enum:.*\n((?:    .*\n|\n)+)", source, re.MULTILINE):
            plain = re.sub(r"#.*", "", body)
            if "=" not in plain:
                _chain(found, re.findall(r"[A-Z]\w*", plain)[:-1])
        for body in re.findall(r"ctypedef struct \w+:\n((?:        .*\n)+)", source):
            _chain(found, [name for name in re.findall(r"\w+", body) if name != "double"])
    return found


def _chain(found: dict[str, str], names: list[str]) -> None:
    found.update(zip(names, [*names[1:], *names[:1]], strict=True))


def _is_check(line: Line, after: Line | None) -> bool:
    """A refusal, or the condition of one: the business of tests of bad input."""
    if _REFUSES.match(line.text):
        return True
    condition = line.text.strip().startswith("if ")
    return condition and after is not None and bool(_REFUSES.match(after.text))


def _broken(line: Line, families: dict[str, str]) -> Iterator[tuple[str, str]]:
    found = line.tokens
    begin = _begin(line, found)
    if begin is None:
        return
    for at in range(begin, len(found)):
        token = found[at]
        if line.verbatim and token.kind != "number":
            continue
        yield from _changed(found, at, families)
    if line.verbatim:
        return
    for at in _indices(found, begin):
        other = families.get(found[at].text) or CONFUSED.get(found[at].text)
        if other and (other in families or other in line.names):
            yield "index swapped", _with(found, at, other)


def _begin(line: Line, found: list[Token]) -> int | None:
    """Where there is something to compute: after = of a declaration; None for a bare one."""
    bare = line.text.strip()
    assigned = [at for at, token in enumerate(found) if token.text == "=" and token.depth == 0]
    if line.verbatim or re.match(r"[A-Z_]+ = ", bare):
        return assigned[0] if assigned else None
    if bare.startswith(("cdef", "ctypedef", "const ", "class ")) or re.match(r"\w+: ", bare):
        return assigned[0] if assigned else None
    if re.match(rf"(?:const )?(?:{'double|int64_t|int32_t'})\b", bare) or bare == "pass":
        return None
    return 0


def _changed(found: list[Token], at: int, families: dict[str, str]) -> Iterator[tuple[str, str]]:
    token = found[at]
    if token.kind == "number":
        yield "constant changed", _with(found, at, _other_number(token.text))
    elif token.text in OPERATORS and _between_operands(found, at):
        yield "operator swapped", _with(found, at, OPERATORS[token.text])
        if token.text in _DROPPED:
            kept = found[:at] + found[_operand_end(found, at) :]
            yield "term dropped", "".join(each.text for each in kept)
    elif token.text in {"~", "not"}:
        yield "operator swapped", _with(found, at, "")
    elif token.kind == "name" and token.text not in families and at not in _indices(found, 0):
        if token.text in {"larger", "smaller", "max", "min", "minimum", "maximum"}:
            yield "operator swapped", _with(found, at, CONFUSED[token.text])
        if token.text in {"if", "elif", "while"}:
            yield from _negated(found, at)


def _negated(found: list[Token], at: int) -> Iterator[tuple[str, str]]:
    """A condition that is a bare name has no operator to swap."""
    rest = "".join(each.text for each in found[at + 1 :])
    named = re.match(r"\s*(not )?(\w+)(?=\s*(?::|else\b))", rest)
    if named and not named[1]:
        start = "".join(each.text for each in found[: at + 1])
        yield "operator swapped", f"{start} not{rest}"


def _with(found: list[Token], at: int, text: str) -> str:
    return "".join(text if place == at else each.text for place, each in enumerate(found))


def _other_number(text: str) -> str:
    """Ten per cent more, or one more."""
    if "." in text:
        return repr(round(float(text) * 1.1 + (0.01 if float(text) == 0 else 0.0), 12))
    return str(int(text, 0) + 1)


def _near(found: list[Token], at: int, step: int) -> Token | None:
    at += step
    while 0 <= at < len(found):
        if found[at].kind not in {"space", "note"}:
            return found[at]
        at += step
    return None


def _between_operands(found: list[Token], at: int) -> bool:
    """Whether an operator is binary: after something that ends an operand."""
    before, after = _near(found, at, -1), _near(found, at, 1)
    if before is None or after is None:
        return False
    ends = before.kind in {"number", "name", "string"} or before.text in {")", "]", "}"}
    return ends and before.text not in _CLAUSES and after.text not in {",", ")", ":"}


def _operand_end(found: list[Token], at: int) -> int:
    """Where the right operand of an operator ends."""
    depth, rank = found[at].depth, _LOOSER[found[at].text]
    for place in range(at + 1, len(found)):
        token = found[place]
        if token.depth < depth:
            return place
        if token.depth == depth and (
            token.text in {",", ":", "if", "else", "for", "="}
            or (_LOOSER.get(token.text, 99) <= rank and _between_operands(found, place))
        ):
            return place
    return len(found)


def _indices(found: list[Token], begin: int) -> list[int]:
    """Names that stand for a place: in brackets, an argument by itself, or a field of the model."""
    places = []
    for at in range(begin, len(found)):
        token = found[at]
        before, after = _near(found, at, -1), _near(found, at, 1)
        if token.kind != "name" or before is None:
            continue
        if before.text == "." or (
            before.text in {"[", ",", "("} and after is not None and after.text in {"]", ",", ")"}
        ):
            places.append(at)
    return places


def _dropped_statement(line: Line) -> dict[str, list[str]]:
    """What is left of a statement in which nothing else can be changed."""
    bare = line.text.strip()
    indent = line.text[: len(line.text) - len(line.text.lstrip())]
    head = bare.split(maxsplit=1)[0].rstrip(":")
    if not line.place or head in _KEPT or bare.endswith(":") or re.match(r"\w+: |self\.", bare):
        return {}
    return {"statement dropped": [f"{indent}pass"]}
