"""Trust between two members, and the best paths of introductions (score-model section 4.6).

Rows, slots and reverse are those of `refnet._scoring`. As there, each function checks once what it
is handed and then loops without bounds checks; row r of an output is written by row r alone.
"""

from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint8_t

from ._checks cimport *
from ._model cimport *
from ._passes cimport *
from ._routes cimport *

from refnet._scoring import raise_for

HOPS_MAX = HOPS
PATHS_MAX = KEPT


def weigh(
    const int64_t[::1] offsets, const int32_t[::1] targets, const int32_t[::1] reverse,
    const int64_t[:, ::1] pair_totals, const int32_t[:, ::1] pair_periods,
    int64_t day, const int64_t[::1] tables, bint decay, const double[::1] opportunism,
    double[::1] regard, double[::1] trust, double[::1] edge, int model, int threads,
):
    """Fill, of the pair (i, j) in each slot, what i knows of j; float64[pairs].

    regard: a_ij >= 0. trust: t_ij in [0, 1). edge: t_ij * (1 - O_j), 0 where i or the network
    distrusts j. opportunism: O, float64[n].
    """
    cdef Py_ssize_t i, s, n = offsets.shape[0] - 1, pairs = targets.shape[0]
    cdef int64_t[9] now
    cdef double[9] scale
    cdef Py_ssize_t field
    cdef int early = 0
    if not 0 <= model < MODEL_COUNT:
        raise_for(UNKNOWN_MODEL)
    if threads < 1 or threads > THREADS_LIMIT:
        raise_for(WRONG_THREADS)
    if day < 0:
        raise_for(NEGATIVE_DAY)
    if pair_totals.shape[0] != PAIR_FIELDS or pair_periods.shape[0] != PAIR_FIELDS:
        raise_for(WRONG_SHAPE)
    if not pairs == reverse.shape[0] == pair_totals.shape[1] == pair_periods.shape[1]:
        raise_for(WRONG_SHAPE)
    if not pairs == regard.shape[0] == trust.shape[0] == edge.shape[0]:
        raise_for(WRONG_SHAPE)
    if opportunism.shape[0] != n:
        raise_for(WRONG_SHAPE)
    raise_for(check_tables(tables))
    raise_for(check_offsets(offsets, pairs))
    raise_for(check_targets(offsets, targets))
    for i in range(n):
        if check_row(i, offsets, targets, reverse):
            raise_for(PAIRS_NOT_SYMMETRIC)
    for field in range(PAIR_FIELDS):
        read_clock(PAIR_HALF_LIFE[field], day, &tables[0], decay, &now[field], &scale[field])
    for s in range(pairs):
        for field in (TP, GV, TN, MT):
            early += pair_periods[field, s] > now[field]
    if early:
        raise_for(DAY_BEFORE_EVENTS)
    for s in prange(pairs, num_threads=threads, schedule="static", nogil=True):
        know(
            &MODELS[model], s, reverse[s], targets[s], pair_totals, pair_periods, now, scale,
            opportunism, regard, trust, edge,
        )


def best(
    const int64_t[::1] offsets, const int32_t[::1] sources, const double[::1] edge,
    const uint8_t[::1] introduces, const int32_t[::1] ends, int64_t asker, int hops, int count,
    double[:, :, ::1] reach, int32_t[:, :, ::1] via, uint8_t[:, ::1] marks, int threads,
):
    """The `count` best simple paths of at most `hops` links from the asker to one of the ends.

    Returns a list of (product, ids), best first: larger product, then fewer hops, then by ids from
    the wanted end back: smaller id, and of prefixes to the same id the better one. introduces:
    uint8[n], who may stand between. ends: who ends a path, and never stands between. edge: [pairs],
    in [0, 1), what an introduction from the source to the member of the row weighs. Scratch: reach:
    [2, hops + 1, n]; via: [3, hops + 1, n]; marks: [4, n].
    Rows are those of both directions: with (i, j) there is (j, i), if only with an edge of 0.
    """
    cdef Py_ssize_t n = offsets.shape[0] - 1, pairs = sources.shape[0], i
    cdef int layer
    cdef double widest
    cdef Search search
    if threads < 1 or threads > THREADS_LIMIT:
        raise_for(WRONG_THREADS)
    if pairs != edge.shape[0] or marks.shape[0] != 4:
        raise_for(WRONG_SHAPE)
    if not n == introduces.shape[0] == reach.shape[2] == via.shape[2] == marks.shape[1]:
        raise_for(WRONG_SHAPE)
    if not 1 <= hops <= HOPS or not 1 <= count <= KEPT:
        raise_for(WRONG_SHAPE)
    if reach.shape[0] != 2 or via.shape[0] != 3 or not hops + 1 == reach.shape[1] == via.shape[1]:
        raise_for(WRONG_SHAPE)
    if not 0 <= asker < n:
        raise_for(UNKNOWN_MEMBER)
    for i in range(ends.shape[0]):
        if not 0 <= ends[i] < n:
            raise_for(UNKNOWN_MEMBER)
    raise_for(check_offsets(offsets, pairs))
    _check_edges(sources, edge, n, threads)
    if pairs == 0 or ends.shape[0] == 0:
        return []
    search.offsets, search.sources, search.edge = &offsets[0], &sources[0], &edge[0]
    search.asker, search.n, search.count = asker, n, count
    search.ends, search.end_count = &ends[0], ends.shape[0]
    search.reach, search.around = &reach[0, 0, 0], &reach[1, 0, 0]
    search.via, search.around_via, search.stamp = &via[0, 0, 0], &via[1, 0, 0], &via[2, 0, 0]
    search.between, search.avoided = &marks[0, 0], &marks[1, 0]
    search.far, search.near = &marks[2, 0], &marks[3, 0]
    with nogil:
        open_search(&search, &introduces[0], hops)
        for layer in range(1, hops + 1):
            for i in prange(n, num_threads=threads, schedule="guided"):
                step(&search, layer, i)
            # What longer paths weigh is below this, because no link weighs 1.
            widest = 0.0
            for i in range(n):
                if search.between[i]:
                    widest = larger(widest, search.reach[layer * n + i])
            if layer < hops and heaviest_end(&search, layer) < widest:
                continue
            collect(&search, layer)
            if widest == 0.0 or (
                search.found == count
                and search.paths[count - 1].product[search.paths[count - 1].length] >= widest
            ):
                break
    return [
        (
            search.paths[i].product[search.paths[i].length],
            [search.paths[i].member[place] for place in range(search.paths[i].length + 1)],
        )
        for i in range(search.found)
    ]


cdef int _check_edges(
    const int32_t[::1] sources, const double[::1] edge, Py_ssize_t n, int threads
) except -1:
    """Raises ValueError for a source that is no member, or an edge out of [0, 1)."""
    cdef Py_ssize_t s, pairs = sources.shape[0], outside = 0
    for s in prange(pairs, num_threads=threads, schedule="static", nogil=True):
        outside += not (0 <= sources[s] < n and 0 <= edge[s] < 1)
    if outside:
        raise_for(WRONG_SHAPE)
    return 0
