"""Many mutants in one build: each breaks a copy of its function, and a number picks the copy.

Compiling takes longer than testing. So a function gets a copy for every mutant of it, and begins by
calling the copy whose number stands in a global, if any does. Constants and whatever else stands
outside of functions cannot be switched; those mutants have builds of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mutants.forks import SWITCH
from mutants.lines import function_spans, tokens
from mutants.mutations import Mutant

HEADER = f'''# The number of the mutant to be, 0 for none; set from outside (forks.py).

cdef extern from *:
    """
    __attribute__((visibility("default"))) int {SWITCH} = 0;
    static inline int mutant_number(void) {{ return {SWITCH}; }}
    """
    int mutant_number() noexcept nogil
'''
_NAME = re.compile(r"(\w+)\s*\(")


@dataclass
class Switchboard:
    """Mutants by number, and on which lines of the rewritten files each of them lies."""

    numbers: dict[int, Mutant]
    _places: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Also those whose mutants all turn out not to compile have to be written again.
        self._files = {mutant.file for mutant in self.numbers.values()}

    def write(self, package: Path, sound: Path) -> None:
        """Rewrite the files of the mutants; sound: the folder with the files as they are."""
        (package / "_mutant.pxd").write_text(HEADER)
        self._places.clear()
        for file in sorted(self._files):
            rewritten = self._rewritten(file, (sound / file).read_text())
            (package / file).write_text("\n".join(rewritten) + "\n")

    def blame(self, said: str) -> set[int]:
        """The mutants in whose copies the compiler found something wrong."""
        found = re.findall(r"(\w+\.\w+):(\d+):\d+:", said)
        places = {(file, int(line)) for file, line in found}
        return {self._places[place] for place in places if place in self._places}

    def _rewritten(self, file: str, source: str) -> list[str]:
        physical = source.splitlines()
        out: list[str] = []
        at = 0
        for begin, body, end in function_spans(source):
            mine = {
                number: mutant
                for number, mutant in self.numbers.items()
                if mutant.file == file and begin <= mutant.line.number - 1 < end
            }
            if not mine:
                continue
            out += physical[at:begin]
            head = physical[begin:body]
            for number, mutant in mine.items():
                start = len(out)
                out += _copy(head, physical[body:end], body, number, mutant)
                self._places |= {(file, line + 1): number for line in range(start, len(out))}
            out += [*head, *_switch(head, mine)]
            at = body
        out += physical[at:]
        first = next(n for n, text in enumerate(out) if text.startswith("from libc"))
        # On a line that is there already, or else all lines would move.
        out[first] += "; from ._mutant cimport mutant_number"
        return out


def _copy(head: list[str], body: list[str], begin: int, number: int, mutant: Mutant) -> list[str]:
    changed = list(body)
    first = mutant.line.number - 1 - begin
    changed[first : first + mutant.line.count] = mutant.text.splitlines()
    return [_NAME.sub(rf"\1__{number}(", head[0], count=1), *head[1:], *changed, ""]


def _switch(head: list[str], numbers: Iterable[int]) -> list[str]:
    whole = " ".join(head)
    named = _NAME.search(whole)
    assert named is not None
    arguments = ", ".join(_parameters(whole[named.end() :]))
    pad = " " * (len(head[0]) - len(head[0].lstrip()) + 4)
    lines = [f"{pad}cdef int mutant = mutant_number()", f"{pad}if mutant != 0:"]
    for number in numbers:
        call = f"{named[1]}__{number}({arguments})"
        lines.append(f"{pad}    if mutant == {number}:")
        void = re.match(r"\s*cdef (?:inline )?void\b", head[0])
        lines += (
            [f"{pad}        {call}", f"{pad}        return"]
            if void
            else [f"{pad}        return {call}"]
        )
    return lines


def _parameters(text: str) -> list[str]:
    """The names of parameters, from what follows the opening bracket."""
    names, before, depth, default = [], "", 0, False
    for token in tokens(text):
        if token.text in "([{" and token.kind == "sign":
            depth += 1
        elif token.text in ")]}" and token.kind == "sign":
            depth -= 1
        if depth < 0 or (depth == 0 and token.text == ","):
            if before:
                names.append(before)
            before, default = "", False
            if depth < 0:
                return names
        elif depth == 0 and token.text == "=":
            default = True
        elif depth == 0 and token.kind == "name" and not default:
            before = token.text
    return names
