"""What every build has to score: the golden vector, busy networks, and real ratings."""

from __future__ import annotations

import csv
import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from model_networks import Case
from proof.test_two_opinions import BUSY
from refnet.accumulators import Accumulators, Events, Kind
from refnet.golden import golden_events

_COLUMNS = {"day": "i", "kind": "B", "a": "i", "b": "i", "amount": "q"}


def problem(
    events: Events, standing: list[float], read_on: int, rows: list[Any], **policies: Any
) -> dict[str, Any]:
    """Arrays as (buffer format, bytes): what the kernel is handed, found by refnet itself."""
    n = len(standing)
    made = Accumulators(n, **policies)
    slot, back = made._slots_of_events(events)
    network = made.network()
    arrays = {name: (kind, getattr(events, name).tobytes()) for name, kind in _COLUMNS.items()}
    arrays |= {"slot": ("q", slot.tobytes()), "back": ("q", back.tobytes())}
    arrays["offsets"] = "q", network.offsets.tobytes()
    arrays |= {name: ("i", getattr(network, name).tobytes()) for name in ("targets", "reverse")}
    arrays["standing"] = "d", np.array(standing).tobytes()
    arrays["tables"] = "q", made.tables.tobytes()
    settings = {"decay": True, "uniform": False, "value_half": 1000} | policies
    return {
        "n": n,
        "arrays": arrays,
        "read_on": read_on,
        "rows": rows,
        "level": standing,
    } | settings


def of_case(case: Case) -> dict[str, Any]:
    rows = [(day, int(kind), a, b, amount) for day, kind, a, b, amount in case.rows]
    return problem(Events.of(rows), case.standing, case.day, rows, **case.policies)


def of_golden(path: Path) -> dict[str, Any]:
    golden = json.loads(path.read_text())
    return problem(golden_events(golden), [1.0] * golden["n"], golden["T"], [])


def of_ratings(path: Path) -> dict[str, Any]:
    """Who trusts whom among traders: pretrust uniform, no decay, one testimonial a rating."""
    with gzip.open(path, "rt") as file:
        ratings = [(row[0], row[1], int(row[2])) for row in csv.reader(file) if row[0].isdigit()]
    people = sorted({int(who) for row in ratings for who in row[:2]})
    number = {str(who): place for place, who in enumerate(people)}
    rows = [
        (0, int(Kind.TESTIMONIAL), number[a], number[b], 100 * rating)
        for a, b, rating in ratings
        if a != b
    ]
    level = [1.0] * len(people)
    return problem(Events.of(rows), level, 0, [], uniform=True, decay=False)


def write(folder: Path, data: Path | None) -> Path:
    """All problems in one file; those of the shared data where it is."""
    found = {name: of_case(case) for name, case in BUSY.items()}
    if data is not None:
        found["golden"] = of_golden(data / "score-golden.json")
        found["ratings"] = of_ratings(data / "otc_network.csv.gz")
    path = folder / "problems.pickle"
    path.write_bytes(pickle.dumps(found, protocol=4))
    return path
