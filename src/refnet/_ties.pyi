import numpy as np
from numpy.typing import NDArray

def triangles(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    weight: NDArray[np.float64],
    mark: NDArray[np.int32],
    common: NDArray[np.int32],
    mass: NDArray[np.float64],
    threads: int,
) -> None: ...
def hold_together(
    offsets: NDArray[np.int64],
    targets: NDArray[np.int32],
    order: NDArray[np.int32],
    place: NDArray[np.int32],
    low: NDArray[np.int32],
    size: NDArray[np.int32],
    parent: NDArray[np.int32],
    cursor: NDArray[np.int64],
) -> None: ...
