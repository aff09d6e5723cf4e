"""Ties between members as a graph: who shares neighbours, and who holds others together.

A graph is undirected and given as rows: the neighbours of i are targets[offsets[i]] ..
targets[offsets[i + 1] - 1], rising, and with (i, j) there is (j, i). As in `refnet._scoring` each
function checks once what it is handed; row r of an output is written by row r alone, and sums run
in the order of the slots.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t

from ._checks cimport *
from ._closures cimport *
from ._model cimport *

from refnet._scoring import raise_for


cdef int _check_graph(
    const int64_t[::1] offsets, const int32_t[::1] targets, int threads
) noexcept nogil:
    cdef int status = check_offsets(offsets, targets.shape[0])
    if threads < 1 or threads > THREADS_LIMIT:
        return WRONG_THREADS
    return check_targets(offsets, targets) if status == OK else status


def triangles(
    const int64_t[::1] offsets, const int32_t[::1] targets, const double[::1] weight,
    int32_t[:, ::1] mark, int32_t[::1] common, double[::1] mass, int threads,
):
    """Fill, of the tie in each slot, how many members both ends are tied to, and how strongly.

    weight: float64[slots], the same in both directions, 0 or more. common: int32[slots]. mass:
    float64[slots], the sum over those members, in order, of the weakest of the triangle's ties.
    mark: int32[threads, n], scratch. Takes the sum over ties of the lower degree.
    """
    cdef Py_ssize_t i, uneven = 0, n = offsets.shape[0] - 1
    if not targets.shape[0] == weight.shape[0] == common.shape[0] == mass.shape[0]:
        raise_for(WRONG_SHAPE)
    raise_for(_check_graph(offsets, targets, threads))
    if mark.shape[0] != threads or mark.shape[1] != n:
        raise_for(WRONG_SHAPE)
    for i in prange(n, num_threads=threads, schedule="guided", nogil=True):
        uneven += uneven_row(i, offsets, targets, weight)
    if uneven:
        raise_for(PAIRS_NOT_SYMMETRIC)
    mark[:, :] = -1
    for i in prange(n, num_threads=threads, schedule="guided", nogil=True):
        close_row(i, offsets, targets, weight, &mark[threadid(), 0], common, mass)
    for i in prange(n, num_threads=threads, schedule="guided", nogil=True):
        copy_row(i, offsets, targets, common, mass)


cdef void _descend(
    Py_ssize_t root, const int64_t[::1] offsets, const int32_t[::1] targets,
    int32_t[::1] order, int32_t[::1] place, int32_t[::1] low, int32_t[::1] size,
    int32_t[::1] parent, int64_t[::1] next_slot, int32_t *seen,
) noexcept nogil:
    """Depth first from a root, without recursion; numbers members in the order they are met."""
    cdef Py_ssize_t v = root, w
    cdef int64_t s
    parent[v] = -1
    place[v] = low[v] = seen[0]
    order[seen[0]] = <int32_t>v
    seen[0] += 1
    size[v] = 1
    next_slot[v] = offsets[v]
    while True:
        if next_slot[v] < offsets[v + 1]:
            s = next_slot[v]
            next_slot[v] = s + 1
            w = targets[s]
            if place[w] < 0:
                parent[w] = <int32_t>v
                place[w] = low[w] = seen[0]
                order[seen[0]] = <int32_t>w
                seen[0] += 1
                size[w] = 1
                next_slot[w] = offsets[w]
                v = w
            elif w != parent[v] and place[w] < low[v]:
                low[v] = place[w]
        else:
            w = parent[v]
            if w < 0:
                return
            size[w] += size[v]
            if low[v] < low[w]:
                low[w] = low[v]
            v = w


def hold_together(
    const int64_t[::1] offsets, const int32_t[::1] targets,
    int32_t[::1] order, int32_t[::1] place, int32_t[::1] low, int32_t[::1] size,
    int32_t[::1] parent, int64_t[::1] cursor,
):
    """Walk through the graph depth first, neighbours in order; each int32[n], cursor int64[n].

    order: members as they are met, component by component from the lowest member on. Of member v
    place is the index in `order`; size how many are met from v on before the walk leaves it, v
    included, so that they are order[place] .. order[place + size - 1]; parent who led to it, -1
    for the first of a component; low the lowest place that these are tied to without v's parent.
    Without v a child c (parent[c] == v) and all behind it are cut off from the rest where low[c] >=
    place[v], and for the first of a component always. cursor is scratch.
    """
    cdef Py_ssize_t i, n = offsets.shape[0] - 1
    cdef int32_t seen = 0
    if not n == order.shape[0] == place.shape[0] == low.shape[0]:
        raise_for(WRONG_SHAPE)
    if not n == size.shape[0] == parent.shape[0] == cursor.shape[0]:
        raise_for(WRONG_SHAPE)
    raise_for(_check_graph(offsets, targets, 1))
    with nogil:
        for i in range(n):
            place[i] = -1
        for i in range(n):
            if place[i] < 0:
                _descend(
                    i, offsets, targets, order, place, low, size, parent, cursor, &seen
                )
