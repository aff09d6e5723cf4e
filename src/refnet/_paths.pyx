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
    const int64_t[::1] offsets, const int32_t[::1] sources, const int32_t[::1] reverse,
    const double[::1] edge, const uint8_t[::1] introduces, const uint8_t[::1] wanted,
    int64_t asker, int hops, int count, double[:, ::1] reach, int threads,
):
    """The `count` best simple paths of at most `hops` links from the asker to one who is wanted.

    Returns a list of (product, ids), best first: larger product, then fewer hops, then by ids from
    the wanted end back: smaller id, and of prefixes to the same id the better one. introduces,
    wanted: uint8[n], who may stand between, and who ends a path (and never stands between). reach:
    [hops + 1, n], scratch. edge: [pairs], in [0, 1).
    """
    cdef Py_ssize_t n = offsets.shape[0] - 1, pairs = sources.shape[0], s, i
    cdef int layer, status
    cdef double widest
    cdef Search search
    cdef Py_ssize_t outside = 0
    if threads < 1 or threads > THREADS_LIMIT:
        raise_for(WRONG_THREADS)
    if not pairs == reverse.shape[0] == edge.shape[0]:
        raise_for(WRONG_SHAPE)
    if not n == introduces.shape[0] == wanted.shape[0] == reach.shape[1]:
        raise_for(WRONG_SHAPE)
    if not 1 <= hops <= HOPS or not 1 <= count <= KEPT or reach.shape[0] != hops + 1:
        raise_for(WRONG_SHAPE)
    if not 0 <= asker < n:
        raise_for(UNKNOWN_MEMBER)
    raise_for(check_offsets(offsets, pairs))
    for s in prange(pairs, num_threads=threads, schedule="static", nogil=True):
        outside += not (0 <= sources[s] < n and 0 <= reverse[s] < pairs and 0 <= edge[s] < 1)
    if outside:
        raise_for(WRONG_SHAPE)
    open_search(&search, &offsets[0], &sources[0] if pairs else NULL,
                &reverse[0] if pairs else NULL, &edge[0] if pairs else NULL, asker, count)
    try:
        search.introduces, search.wanted = &introduces[0], &wanted[0]
        search.reach, search.n = &reach[0, 0], n
        with nogil:
            for i in range(n):
                reach[0, i] = 0.0
            reach[0, asker] = 1.0
        status = 0
        for layer in range(1, hops + 1):
            for i in prange(n, num_threads=threads, schedule="guided", nogil=True):
                step(&search, layer, i)
            with nogil:
                widest = 0.0
                for i in range(n):
                    widest = larger(widest, reach[layer, i])
                status = collect(&search, layer)
            if status:
                raise MemoryError("no memory is left for the search for paths")
            # Longer paths weigh less than the heaviest of this length, and lose all ties.
            if widest == 0.0 or (search.found == count and search.product[count - 1] >= widest):
                break
        return [
            (search.product[i], [search.path[i][h] for h in range(search.length[i] + 1)])
            for i in range(search.found)
        ]
    finally:
        close_search(&search)
