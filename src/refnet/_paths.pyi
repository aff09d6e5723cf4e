import numpy as np
from numpy.typing import NDArray

HOPS_MAX: int
PATHS_MAX: int

def weigh(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    reverse: NDArray[np.int32],
    pair_totals: NDArray[np.int64],
    pair_periods: NDArray[np.int32],
    day: int,
    tables: NDArray[np.int64],
    decay: bool,
    opportunism: NDArray[np.float64],
    regard: NDArray[np.float64],
    trust: NDArray[np.float64],
    edge: NDArray[np.float64],
    model: int,
    threads: int,
) -> None: ...
def best(
    offsets: NDArray[np.int64],
    sources: NDArray[np.int32],
    edge: NDArray[np.float64],
    introduces: NDArray[np.uint8],
    ends: NDArray[np.int32],
    asker: int,
    hops: int,
    count: int,
    reach: NDArray[np.float64],
    via: NDArray[np.int32],
    marks: NDArray[np.uint8],
    threads: int,
) -> list[tuple[float, list[int]]]: ...
