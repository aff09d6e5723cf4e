from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MODEL_NAMES: tuple[str, ...]
KINDS_BY_NUMBER: tuple[str, ...]
PAIR_FIELD_NAMES: tuple[str, ...]
MEMBER_FIELD_NAMES: tuple[str, ...]
ARRAY_NAMES: tuple[str, ...]
MESSAGES: tuple[str, ...]
HALF_LIVES: tuple[int, ...]
PAIR_HALF_LIVES: tuple[int, ...]
MEMBER_HALF_LIVES: tuple[int, ...]
CLOSED_MAX: int
WEIGHT_MAX: int
TILE_BITS: int
EDGE_NAMES: tuple[str, ...]
FLOW_NAMES: tuple[str, ...]
PERSON_NAMES: tuple[str, ...]

def raise_for(status: int, index: int = -1) -> None: ...
def admit(
    day: NDArray[np.int32],
    kind: NDArray[np.uint8],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    amount: NDArray[np.int64],
    members: int,
) -> int: ...
def fold(
    day: NDArray[np.int32],
    kind: NDArray[np.uint8],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    amount: NDArray[np.int64],
    slot: NDArray[np.int64],
    back: NDArray[np.int64],
    pair_totals: NDArray[np.int64],
    pair_periods: NDArray[np.int32],
    member_totals: NDArray[np.int64],
    member_periods: NDArray[np.int32],
    tables: NDArray[np.int64],
    decay: bool,
    uniform: bool,
    value_half: int,
) -> None: ...
def reverse_slots(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    cursor: NDArray[np.int64],
    reverse: NDArray[np.int32],
) -> None: ...
def make_room(
    old: NDArray[np.uint8],
    new: NDArray[np.uint8],
    gaps: NDArray[np.int64],
    count: int,
    size: int,
    filler: int,
) -> None: ...
def read_pairs(
    totals: NDArray[np.int64],
    periods: NDArray[np.int32],
    slots: NDArray[np.int64],
    field: int,
    day: int,
    tables: NDArray[np.int64],
    decay: bool,
    masses: NDArray[np.float64],
) -> None: ...
def read_members(
    totals: NDArray[np.int64],
    periods: NDArray[np.int32],
    field: int,
    day: int,
    tables: NDArray[np.int64],
    decay: bool,
    masses: NDArray[np.float64],
) -> None: ...
def constants(model: int) -> dict[str, float]: ...
def balance_of(given: float, taken: float) -> float: ...
def score(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    reverse: NDArray[np.int32],
    pair_totals: NDArray[np.int64],
    pair_periods: NDArray[np.int32],
    member_totals: NDArray[np.int64],
    member_periods: NDArray[np.int32],
    standing: NDArray[np.float64],
    day: int,
    tables: NDArray[np.int64],
    decay: bool,
    uniform: bool,
    rows: NDArray[np.int32],
    near: NDArray[np.int32],
    edges: NDArray[np.float64],
    flows: NDArray[np.float64],
    people: NDArray[np.float64],
    out: NDArray[np.float64],
    bounds: NDArray[np.int64],
    places: NDArray[np.uint32],
    weights: NDArray[np.float64],
    model: Mapping[str, float],
    tile_bits: int,
    threads: int,
) -> None: ...
def propagate(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    trust: NDArray[np.float64],
    pretrust: NDArray[np.float64],
    reach: NDArray[np.float64],
    reached: NDArray[np.float64],
    bounds: NDArray[np.int64],
    places: NDArray[np.uint32],
    weights: NDArray[np.float64],
    model: Mapping[str, float],
    tile_bits: int,
    threads: int,
) -> None: ...
