# The triangles over the ties of one row, for `_ties`.

from libc.stdint cimport int32_t, int64_t

from ._model cimport smaller


cdef inline bint looks(Py_ssize_t i, Py_ssize_t j, const int64_t[::1] offsets) noexcept nogil:
    """Whether row i, and not row j, looks for the triangles of the two: the longer one does.

    So it is the shorter row that is walked, and each tie is looked at once.
    """
    cdef int64_t here = offsets[i + 1] - offsets[i], there = offsets[j + 1] - offsets[j]
    return here > there or (here == there and i > j)


cdef inline void close_row(
    Py_ssize_t i, const int64_t[::1] offsets, const int32_t[::1] targets,
    const double[::1] weight, int32_t *mark, int32_t[::1] common, double[::1] mass,
) noexcept nogil:
    """Fill the slots for which row i looks.

    mark[k] is the slot of (i, k) if that lies in row i; else an earlier row left it there.
    """
    cdef int64_t s, t, third, first = offsets[i], last = offsets[i + 1]
    cdef Py_ssize_t j
    cdef int32_t both
    cdef double total
    for s in range(first, last):
        mark[targets[s]] = <int32_t>s
    for s in range(first, last):
        j = targets[s]
        if not looks(i, j, offsets):
            continue
        both, total = 0, 0.0
        for t in range(offsets[j], offsets[j + 1]):
            third = mark[targets[t]]
            if first <= third < last:
                both = both + 1
                total = total + smaller(smaller(weight[third], weight[t]), weight[s])
        common[s], mass[s] = both, total


cdef inline int64_t slot_of(
    Py_ssize_t i, Py_ssize_t j, const int64_t[::1] offsets, const int32_t[::1] targets
) noexcept nogil:
    """The slot of (i, j), -1 if there is none."""
    cdef int64_t low = offsets[i], high = offsets[i + 1], middle
    while low < high:
        middle = (low + high) // 2
        if targets[middle] < j:
            low = middle + 1
        else:
            high = middle
    return low if low < offsets[i + 1] and targets[low] == j else -1


cdef inline int uneven_row(
    Py_ssize_t i, const int64_t[::1] offsets, const int32_t[::1] targets, const double[::1] weight
) noexcept nogil:
    """1 unless the reverse of each slot of row i is there, with the same weight."""
    cdef int64_t s, back
    for s in range(offsets[i], offsets[i + 1]):
        back = slot_of(targets[s], i, offsets, targets)
        if back < 0 or not weight[back] == weight[s]:
            return 1
    return 0


cdef inline void copy_row(
    Py_ssize_t i, const int64_t[::1] offsets, const int32_t[::1] targets,
    int32_t[::1] common, double[::1] mass,
) noexcept nogil:
    """Fill the other slots of row i, from the rows that looked."""
    cdef int64_t s, back
    for s in range(offsets[i], offsets[i + 1]):
        if not looks(i, targets[s], offsets):
            back = slot_of(targets[s], i, offsets, targets)
            common[s], mass[s] = common[back], mass[back]
