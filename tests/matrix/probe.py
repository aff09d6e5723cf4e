"""Scores networks with one build of the kernel and prints a digest of every array, as JSON.

Run as a script by any interpreter, with the standard library alone: probe.py KERNEL PROBLEMS. The
kernel takes any buffer, so neither numpy nor refnet has to be installed beside it. Where the slow
reference is on PYTHONPATH it is asked too: it is to say the same under every interpreter.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

ITEM = {"q": 8, "d": 8, "i": 4, "I": 4, "B": 1}
THREADS = range(1, 9)


def kernel_at(path: str) -> Any:
    """The compiled module in a file."""
    spec = spec_from_file_location("_scoring", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def array(kind: str, *shape: int) -> memoryview:
    """Zeros of a shape, of which each length is at least 1."""
    size = ITEM[kind]
    for length in shape:
        size *= length
    made: Any = memoryview(bytearray(size)).cast("B")
    return made.cast(kind, list(shape))  # type: ignore[no-any-return]


def filled(kind: str, content: bytes) -> memoryview:
    """A writable array of what these bytes say."""
    made: Any = memoryview(bytearray(content))
    return made.cast(kind)  # type: ignore[no-any-return]


def sha(view: memoryview) -> str:
    return hashlib.sha256(view.tobytes()).hexdigest()[:16]


def digests(kernel: Any, problem: dict[str, Any]) -> dict[str, str]:
    """Of the accumulators and, for each model, of every array of the scores."""
    columns = {name: filled(*packed) for name, packed in problem["arrays"].items()}
    n, pairs = problem["n"], len(columns["targets"])
    totals, periods = array("q", 9, pairs), array("i", 9, pairs)
    member_totals, member_periods = array("q", 5, n), array("i", 5, n)
    for view in (periods, member_periods):
        view.cast("B")[:] = b"\xff" * view.nbytes  # -1: empty
    accumulators = (totals, periods, member_totals, member_periods)
    events = [columns[name] for name in ("day", "kind", "a", "b", "amount", "slot", "back")]
    policy = problem["decay"], problem["uniform"]
    kernel.fold(*events, *accumulators, columns["tables"], *policy, problem["value_half"])
    found = {f"accumulators {place}": sha(view) for place, view in enumerate(accumulators)}
    network = [columns[name] for name in ("offsets", "targets", "reverse")]
    everybody = array("i", n)
    for member in range(n):
        everybody[member] = member
    for model, version in enumerate(kernel.MODEL_NAMES):
        for threads in THREADS:
            scratch = array("d", pairs, len(kernel.EDGE_NAMES)), array("d", 3, pairs)
            bits = kernel.TILE_BITS if threads == 1 else threads
            blocks = -(-n >> bits)
            tiles = array("q", blocks, 2, blocks), array("I", pairs), array("d", pairs)
            out = array("d", len(kernel.ARRAY_NAMES), n)
            kernel.score(
                *(*network, *accumulators, columns["standing"], problem["read_on"]),
                *(columns["tables"], *policy, everybody, everybody, *scratch),
                *(array("d", len(kernel.PERSON_NAMES), n), out),
                *(*tiles, kernel.constants(model), bits, threads),
            )
            rows = memoryview(out.tobytes())
            for place, name in enumerate(kernel.ARRAY_NAMES):
                said = sha(rows[8 * n * place : 8 * n * (place + 1)])
                before = found.setdefault(f"model {version} {name}", said)
                if said != before:
                    found[f"model {version} {name}"] = f"differs with {threads} threads"
    return found


def slow_digests(problem: dict[str, Any]) -> dict[str, str]:
    """What the reference says under this interpreter, of networks that it can afford."""
    from refnet import _reference

    found = {}
    for version in _reference.MODELS:
        scores = _reference.score(
            problem["n"],
            problem["rows"],
            problem["read_on"],
            standing=problem["level"],
            uniform=problem["uniform"],
            decay=problem["decay"],
            value_half=problem["value_half"],
            model=version,
        )
        found[version] = _reference.digest(scores)
    return found


def main(path: str, problems: str) -> None:
    with open(problems, "rb") as file:  # noqa: PTH123 - runs under any interpreter
        asked = pickle.load(file)
    kernel = kernel_at(path)
    said: dict[str, Any] = {name: digests(kernel, problem) for name, problem in asked.items()}
    slow = {name: slow_digests(problem) for name, problem in asked.items() if problem["rows"]}
    json.dump({"kernel": said, "reference": slow}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
