"""The logical lines of Python and Cython sources, and their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TYPES = "double|int|int32_t|int64_t|uint8_t|Py_ssize_t"
_TOKEN = re.compile(
    rf"""(?P<note>\#[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<cast><(?:{TYPES})>)
    |(?P<number>\d[\w.]*)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>//|\*\*|<<|>>|<=|>=|==|!=|->|\+=|-=|\|=|[-+*/%<>=&|~^()\[\]{{}},.:;@!])
    |(?P<space>\s+)""",
    re.VERBOSE | re.DOTALL,
)
_HEAD = re.compile(r"^\s*(?:@|class\b|(?:async\s+)?def\b|cpdef\b|cdef\b(?!.*=)[^\n]*\()")
_NAMED = re.compile(r"(?:\bdef|\bclass)\s+(\w+)|(\w+)\s*\(")


@dataclass(frozen=True)
class Token:
    """kind is note, string, cast, number, name, sign or space; depth counts open brackets."""

    kind: str
    text: str
    depth: int


@dataclass(frozen=True)
class Line:
    """A logical line: first physical line (1-based), how many, its text, and where it stands.

    place: name of the function around it, or "" outside of any. verbatim: C inside a pxd file.
    names: all names that occur in that function.
    """

    number: int
    count: int
    text: str
    place: str
    verbatim: bool
    names: frozenset[str]

    @property
    def tokens(self) -> list[Token]:
        """All tokens, whose texts joined are the text."""
        return tokens(self.text)


def tokens(text: str) -> list[Token]:
    """The tokens of a piece of source; raises ValueError for what is none."""
    found, at, depth = [], 0, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"no token at {text[at : at + 20]!r}")
        if match[0] in ")]}":
            depth -= 1
        found.append(Token(match.lastgroup, match[0], depth))
        if match[0] in "([{":
            depth += 1
        at = match.end()
    return found


def logical_lines(source: str) -> Iterator[Line]:
    """Statements only: no blank lines, comments, docstrings, imports or heads of functions."""
    physical = source.splitlines()
    at, place, indent, names = 0, "", 0, frozenset[str]()
    while at < len(physical):
        text = physical[at]
        bare = text.strip()
        if bare.startswith('"""'):
            in_c = physical[at - 1].strip().startswith("cdef extern from")
            end = _closing(physical, at)
            if in_c:
                yield from _lines_of_c(physical, at + 1, end)
            at = end + 1
            continue
        if not bare or bare.startswith("#"):
            at += 1
            continue
        count = _length(physical, at)
        whole = "\n".join(physical[at : at + count])
        depth = len(text) - len(text.lstrip())
        if _HEAD.match(text):
            if named := None if bare.startswith("@") else _NAMED.search(text):
                place, indent = named[1] or named[2], depth
                names = _names_below(physical, at, depth)
        elif not bare.startswith(("from ", "import ", "cimport ")):
            inside = depth > indent
            known = names if inside else frozenset()
            yield Line(at + 1, count, whole, place if inside else "", False, known)
        at += count


def function_spans(source: str) -> Iterator[tuple[int, int, int]]:
    """Where each function begins, its body begins, and it ends: indices of physical lines."""
    physical = source.splitlines()
    for at, text in enumerate(physical):
        if _HEAD.match(text) and not text.strip().startswith(("@", "class")):
            body = at + _length(physical, at)
            depth = len(text) - len(text.lstrip())
            end = body
            while end < len(physical) and (
                not physical[end].strip()
                or len(physical[end]) - len(physical[end].lstrip()) > depth
            ):
                end += 1
            yield at, body, end


def _closing(physical: list[str], at: int) -> int:
    """The line in which the string that begins at a line ends."""
    opening = physical[at].strip()
    if len(opening) > 3 and opening.endswith('"""'):
        return at
    return next(n for n in range(at + 1, len(physical)) if physical[n].rstrip().endswith('"""'))


def _lines_of_c(physical: list[str], begin: int, end: int) -> Iterator[Line]:
    for at in range(begin, end):
        if physical[at].strip() and not physical[at].strip().startswith("#"):
            yield Line(at + 1, 1, physical[at], "", True, frozenset())


def _names_below(physical: list[str], at: int, depth: int) -> frozenset[str]:
    """The names in a function, by indentation."""
    body = [physical[at]]
    for text in physical[at + 1 :]:
        if text.strip() and len(text) - len(text.lstrip()) <= depth and text.strip()[0] != ")":
            break
        body.append(text)
    return frozenset(re.findall(r"[A-Za-z_]\w*", "\n".join(body)))


def _length(physical: list[str], at: int) -> int:
    """How many physical lines a statement takes, by its brackets."""
    depth, count = 0, 0
    while True:
        for token in tokens(physical[at + count]):
            depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "sign" else 0
        count += 1
        if depth <= 0:
            return count
