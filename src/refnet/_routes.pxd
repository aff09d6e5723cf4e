# What `_paths` does with one slot, and its search for the best paths.
#
# The search goes from the wanted end back to the asker. reach[h][v] is the largest product of a
# walk of h links from the asker to v, multiplied from the asker on, as the product of a path is.
# Rounding never turns a larger factor into a smaller product, so what a known end can still reach,
# reach[h][v] times the links behind v in their order, is exact: it is the product of some walk, and
# of no better one. So the best path leaves the queue first, and rounding cuts nothing off.

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, realloc

from ._model cimport *
from ._passes cimport mass_at


cdef extern from *:
    """
    static const double MET_IN_TRUST = 0.3;      /* 4.6: a one-to-one */
    static const double KNOWN_GRACE = 0.5;
    static const double BLAMED_IN_TRUST = 2.0;
    static const double DISTRUSTED_FROM = 0.5;   /* 4.5: where opportunism is flagged */
    """
    const double MET_IN_TRUST, KNOWN_GRACE, BLAMED_IN_TRUST, DISTRUSTED_FROM


cdef enum:
    HOPS = 6
    KEPT = 20


cdef inline bint distrusted(double known, double blamed, double opportunism) noexcept nogil:
    """Whether nobody shall be led over this link: the one place where distrust is judged.

    i distrusts j if bad words weigh as much as all good that i knows of j; the network, whom it
    flags.
    """
    return (blamed > 0.0 and blamed >= known) or opportunism >= DISTRUSTED_FROM


cdef inline void know(
    const Model *model, Py_ssize_t s, Py_ssize_t back, Py_ssize_t j,
    const int64_t[:, ::1] totals, const int32_t[:, ::1] periods,
    const int64_t *now, const double *scale, const double[::1] opportunism,
    double[::1] regard, double[::1] trust, double[::1] edge,
) noexcept nogil:
    """4.6: direct trust in j of the one whose slot s is."""
    cdef double blamed = mass_at(totals, periods, TN, s, now, scale)
    cdef double a = mass_at(totals, periods, TP, s, now, scale)
    a = a + model.given_in_trust * mass_at(totals, periods, GV, s, now, scale)
    a = a + model.taken_in_trust * mass_at(totals, periods, GV, back, now, scale)
    cdef double known = a + MET_IN_TRUST * mass_at(totals, periods, MT, s, now, scale)
    regard[s] = a
    trust[s] = known / ((known + KNOWN_GRACE) + BLAMED_IN_TRUST * blamed)
    edge[s] = trust[s] * (1.0 - opportunism[j])
    if distrusted(known, blamed, opportunism[j]):
        edge[s] = 0.0


cdef struct Node:
    # The end of a path, from `member` at `place` on. product[i], for i from place to the length of
    # the path, is that of its first i links if the heaviest walk leads to `member`.
    int64_t later             # the node that follows, -1 for the wanted end
    int32_t member
    int32_t place
    double link               # the edge from member to the one that follows
    double[7] product


cdef struct Search:
    const int64_t *offsets
    const int32_t *sources
    const int32_t *reverse
    const double *edge
    const uint8_t *introduces
    const uint8_t *wanted
    double *reach
    Py_ssize_t n
    int64_t asker
    int count
    Node *nodes
    int64_t used, room
    int64_t *heap
    int64_t waiting, heap_room
    int hops                  # of the paths that are being looked for
    int found
    double[20] product
    int32_t[20] length
    int32_t[20][7] path       # KEPT paths of at most HOPS + 1 members


cdef inline void open_search(
    Search *search, const int64_t *offsets, const int32_t *sources, const int32_t *reverse,
    const double *edge, int64_t asker, int count,
) noexcept nogil:
    search.offsets, search.sources = offsets, sources
    search.reverse, search.edge = reverse, edge
    search.asker, search.count = asker, count
    search.nodes, search.heap = NULL, NULL
    search.used = search.room = search.waiting = search.heap_room = 0
    search.found = 0


cdef inline void close_search(Search *search) noexcept nogil:
    free(search.nodes)
    free(search.heap)


cdef inline bint may_pass(const Search *search, Py_ssize_t member, int place) noexcept nogil:
    """Whether a member may stand at a place of a path: the asker first, then who introduces."""
    if place == 0:
        return member == search.asker
    return (
        member != search.asker and search.introduces[member] != 0 and search.wanted[member] == 0
    )


cdef inline void step(Search *search, int layer, Py_ssize_t j) noexcept nogil:
    """reach[layer][j]: the heaviest walk to j of so many links."""
    cdef double *before = search.reach + (layer - 1) * search.n
    cdef double heaviest = 0.0
    cdef Py_ssize_t s, i
    if j != search.asker:
        for s in range(search.offsets[j], search.offsets[j + 1]):
            i = search.sources[s]
            if before[i] > 0.0 and may_pass(search, i, layer - 1):
                heaviest = larger(heaviest, before[i] * search.edge[search.reverse[s]])
    search.reach[layer * search.n + j] = heaviest


cdef inline int32_t member_at(const Search *search, int64_t node, int place) noexcept nogil:
    while search.nodes[node].place < place:
        node = search.nodes[node].later
    return search.nodes[node].member


cdef inline bint goes_first(const Search *search, int64_t one, int64_t two) noexcept nogil:
    """The written order of paths, of two ends of paths of the same length."""
    cdef const Node *a = &search.nodes[one]
    cdef const Node *b = &search.nodes[two]
    cdef int at = search.hops
    cdef int32_t left, right
    if a.product[at] != b.product[at]:
        return a.product[at] > b.product[at]
    while at >= a.place and at >= b.place:
        left, right = member_at(search, one, at), member_at(search, two, at)
        if left != right:
            return left < right
        if a.product[at] != b.product[at]:
            return a.product[at] > b.product[at]
        at = at - 1
    return a.place > b.place


cdef inline int push(Search *search, int64_t node) noexcept nogil:
    cdef int64_t at, parent, room
    cdef int64_t *heap
    if search.waiting == search.heap_room:
        room = 2 * search.heap_room + 256
        heap = <int64_t *>realloc(search.heap, room * sizeof(int64_t))
        if heap == NULL:
            return 1
        search.heap, search.heap_room = heap, room
    at = search.waiting
    search.waiting = at + 1
    search.heap[at] = node
    while at > 0:
        parent = (at - 1) // 2
        if not goes_first(search, search.heap[at], search.heap[parent]):
            break
        search.heap[at], search.heap[parent] = search.heap[parent], search.heap[at]
        at = parent
    return 0


cdef inline int64_t pop(Search *search) noexcept nogil:
    cdef int64_t first = search.heap[0], at = 0, child
    search.waiting = search.waiting - 1
    search.heap[0] = search.heap[search.waiting]
    while True:
        child = 2 * at + 1
        if child >= search.waiting:
            break
        if child + 1 < search.waiting and goes_first(
            search, search.heap[child + 1], search.heap[child]
        ):
            child = child + 1
        if not goes_first(search, search.heap[child], search.heap[at]):
            break
        search.heap[at], search.heap[child] = search.heap[child], search.heap[at]
        at = child
    return first


cdef inline bint too_light(const Search *search, double product) noexcept nogil:
    """Whether as many are found as are asked for, all at least as heavy and with fewer hops."""
    return search.found == search.count and product <= search.product[search.count - 1]


cdef inline int grow(Search *search, int64_t later, int32_t member, double link) noexcept nogil:
    """Put `member` before a path's end, or begin one; 1 if there is no memory."""
    cdef int64_t room
    cdef int place = search.hops if later < 0 else search.nodes[later].place - 1
    cdef int at = place
    cdef double product = search.reach[place * search.n + member]
    cdef Node *nodes
    cdef Node *node
    if search.used == search.room:
        room = 2 * search.room + 256
        nodes = <Node *>realloc(search.nodes, room * sizeof(Node))
        if nodes == NULL:
            return 1
        search.nodes, search.room = nodes, room
    node = &search.nodes[search.used]
    node.later, node.member, node.place, node.link = later, member, place, link
    node.product[at] = product
    while later >= 0:
        product = product * link
        at = at + 1
        node.product[at] = product
        link = search.nodes[later].link
        later = search.nodes[later].later
    if too_light(search, product):
        return 0
    search.used = search.used + 1
    return push(search, search.used - 1)


cdef inline bint is_on(const Search *search, int64_t node, int32_t member) noexcept nogil:
    while node >= 0:
        if search.nodes[node].member == member:
            return True
        node = search.nodes[node].later
    return False


cdef inline int lengthen(Search *search, int64_t node) noexcept nogil:
    """All that may stand before a path's end; 1 if there is no memory."""
    cdef int32_t member = search.nodes[node].member
    cdef int place = search.nodes[node].place - 1
    cdef Py_ssize_t s
    cdef int32_t before
    cdef double link
    for s in range(search.offsets[member], search.offsets[member + 1]):
        before = search.sources[s]
        link = search.edge[search.reverse[s]]
        if link > 0.0 and search.reach[place * search.n + before] > 0.0:
            if may_pass(search, before, place) and not is_on(search, node, before):
                if grow(search, node, before, link):
                    return 1
    return 0


cdef inline void keep(Search *search, int64_t node) noexcept nogil:
    """A whole path: behind all that are at least as heavy, because these have no more hops."""
    cdef double product = search.nodes[node].product[search.hops]
    cdef int at = search.found, place
    if at == search.count:
        at = at - 1
    else:
        search.found = at + 1
    while at > 0 and search.product[at - 1] < product:
        search.product[at], search.length[at] = search.product[at - 1], search.length[at - 1]
        for place in range(HOPS + 1):
            search.path[at][place] = search.path[at - 1][place]
        at = at - 1
    search.product[at], search.length[at] = product, search.hops
    while node >= 0:
        search.path[at][search.nodes[node].place] = search.nodes[node].member
        node = search.nodes[node].later


cdef inline int collect(Search *search, int hops) noexcept nogil:
    """Find the best paths of exactly so many links; 1 if there is no memory."""
    cdef Py_ssize_t member
    cdef int64_t node
    search.hops, search.used, search.waiting = hops, 0, 0
    for member in range(search.n):
        if search.wanted[member] and search.reach[hops * search.n + member] > 0.0:
            if grow(search, -1, <int32_t>member, 0.0):
                return 1
    while search.waiting > 0:
        node = pop(search)
        if too_light(search, search.nodes[node].product[hops]):
            return 0
        if search.nodes[node].place == 0:
            keep(search, node)
        elif lengthen(search, node):
            return 1
    return 0
