"""Answers to requests that are not what the facts say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from audit.stores import check, simulated, told
from audit.tampering import Store, copied

_INSERT = "INSERT INTO requests (principal, request_id, fingerprint, position, facts)"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    data = tmp_path_factory.mktemp("network") / "store"
    return data, simulated(data)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE requests SET position = position + 1 WHERE position = 300", "says otherwise"),
        ("UPDATE requests SET request_id = 'x' WHERE position = 300", "says otherwise"),
        ("UPDATE requests SET facts = facts + 1 WHERE position = 300", "two requests"),
        ("UPDATE requests SET facts = 0 WHERE position = 300", "no request is said to have made"),
        ("DELETE FROM requests WHERE position = 300", "no request is said to have made"),
        ("UPDATE requests SET position = 1 << 40 WHERE position = 300", "does not hold"),
        (f"{_INSERT} VALUES ('p', 'r', x'', 1 << 40, 1)", "does not hold"),
        (f"{_INSERT} VALUES ('p', 'r', x'', 1 << 40, 0)", "does not hold"),
        ("UPDATE requests SET facts = 'many' WHERE position = 300", "no place in the log"),
        ("UPDATE requests SET principal = x'00' WHERE position = 300", "is damaged"),
    ],
    ids=[
        *("moved", "renamed", "wider", "none", "gone", "beyond", "more", "empty"),
        *("no number", "no text"),
    ],
)
def test_an_answer_that_was_changed_is_found(
    network: tuple[Path, int], tmp_path: Path, statement: str, says: str
) -> None:
    data, head = network
    store: Store = copied(data, tmp_path / "store", random.Random(1), head)
    assert {} == told(check(store.data))

    store.change((statement, ()))

    found = told(check(store.data))
    assert {"requests"} == set(found)
    assert says in found["requests"].message
