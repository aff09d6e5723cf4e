from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from typing_extensions import disjoint_base

ROLE_NAMES: Final[tuple[str, ...]]
TIME_MAX: Final[int]

def parameters(
    after: int, facts: Sequence[tuple[str, int, str, bytes]], salts: Iterable[bytes]
) -> list[Any]: ...
def first_uncommitted(rows: Sequence[tuple[Any, ...]]) -> int: ...

@disjoint_base
class Shape:
    def __init__(
        self,
        kind: int,
        effect: int,
        roles: Mapping[str, str],
        optional: AbstractSet[str],
        codes: Mapping[str, int],
    ) -> None: ...

def read_rows(
    shapes: dict[str, Shape], rows: list[tuple[Any, ...]], topic: int, batch: Any
) -> list[int]: ...
