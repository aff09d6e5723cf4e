# What `_paths` does with one slot, and its search for the best paths.
#
# reach[h][v] is the largest product of a walk of h links from the asker to v, multiplied from the
# asker on, as the product of a path is. Rounding never turns a larger factor into a smaller
# product, so what comes before a known end is chosen by its own product alone, and rounding cuts
# nothing off. A walk that comes by somebody twice is no better than itself without the round, which
# has fewer links: so the best walk of at most so many links is a path.
#
# The paths after the first are found as Lawler does: all other paths share an end of the found one,
# and then come from somebody else. Of each such set the best is the best walk that avoids the
# members of the end. Most of reach avoids them as it is; only the rest is looked for again.

from libc.stdint cimport int32_t, int64_t, uint8_t

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
    COUNTED = 3               # links up to which distances are counted; further is all the same


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


cdef struct Walk:
    # A walk from the asker. product[i] is that of its first i links, link[i] the weight of the link
    # from member[i] on. It stands for the set of paths that share its last `fixed` members, and
    # come to these from none of those barred.
    int32_t length            # links; 0: the set is empty
    int32_t fixed
    int32_t bars
    int32_t[7] member
    int32_t[20] barred
    double[7] product
    double[7] link


cdef struct Search:
    const int64_t *offsets
    const int32_t *sources
    const double *edge        # what an introduction from the source weighs, by slot
    const int32_t *ends       # who is wanted
    Py_ssize_t n, end_count
    int64_t asker
    int count
    int hops                  # of the longest path that is looked for at present
    uint8_t *between          # who may stand between, by member
    double *reach             # [hops + 1, n]
    int32_t *via              # who comes before, if reach is above 0
    double *around            # reach, via of walks that avoid an end, where stamp says so
    int32_t *around_via
    int32_t *stamp
    int32_t now               # stamp of the end that is avoided at present
    uint8_t *avoided          # by member
    uint8_t *far              # links from the asker, and to an end, at least; by member
    uint8_t *near
    int longest               # links that a path may have
    int open                  # sets that are left
    Walk[128] sets            # 1 + (KEPT - 1) * HOPS at most
    int found
    Walk[20] paths


cdef inline void open_search(Search *search, const uint8_t *introduces, int hops) noexcept nogil:
    cdef Py_ssize_t i, each
    for i in range(search.n):
        search.between[i] = introduces[i] != 0
        search.avoided[i] = 0
        search.reach[i] = 0.0
    for i in range((hops + 1) * search.n):
        search.stamp[i] = 0
    search.now = 0
    search.found = 0
    search.reach[search.asker] = 1.0
    search.between[search.asker] = 0
    for each in range(search.end_count):
        search.between[search.ends[each]] = 0
    search.longest = hops
    for i in range(search.n):
        search.far[i] = search.near[i] = COUNTED + 1
    search.far[search.asker] = 0
    for each in range(search.end_count):
        search.near[search.ends[each]] = 0
    spread(search, search.far)
    spread(search, search.near)


cdef inline void spread(const Search *search, uint8_t *distance) noexcept nogil:
    """Count links from where the distance is 0, whichever way they lead."""
    cdef Py_ssize_t i, s
    cdef int32_t j
    cdef int links
    for links in range(COUNTED):
        for i in range(search.n):
            if distance[i] == links:
                for s in range(search.offsets[i], search.offsets[i + 1]):
                    j = search.sources[s]
                    if distance[j] > links + 1:
                        distance[j] = <uint8_t>(links + 1)


cdef inline bint may_lead(const Search *search, int layer, Py_ssize_t member) noexcept nogil:
    """Whether someone so many links from the asker can still be led on to an end."""
    return search.far[member] <= layer and search.near[member] + layer <= search.longest


cdef inline bint may_pass(const Search *search, Py_ssize_t member, int place) noexcept nogil:
    """Whether a member may stand at a place of a path: the asker first, then who introduces."""
    return search.between[member] != 0 if place > 0 else member == search.asker


cdef inline void step(Search *search, int layer, Py_ssize_t j) noexcept nogil:
    """reach[layer][j]: the heaviest walk to j of so many links; of equals by the smaller id."""
    cdef double *before = search.reach + (layer - 1) * search.n
    cdef double heaviest = 0.0, product
    cdef int32_t via = -1, i
    cdef Py_ssize_t s
    if j != search.asker and may_lead(search, layer, j):
        for s in range(search.offsets[j], search.offsets[j + 1]):
            i = search.sources[s]
            if before[i] > 0.0 and may_pass(search, i, layer - 1):
                product = before[i] * search.edge[s]
                if product > heaviest or (product == heaviest > 0.0 and i < via):
                    heaviest, via = product, i
    search.reach[layer * search.n + j] = heaviest
    search.via[layer * search.n + j] = via


cdef inline double heaviest_end(const Search *search, int layer) noexcept nogil:
    """What the best path of at most so many links weighs."""
    cdef double heaviest = 0.0
    cdef Py_ssize_t each
    cdef int place
    for place in range(1, layer + 1):
        for each in range(search.end_count):
            heaviest = larger(heaviest, search.reach[place * search.n + search.ends[each]])
    return heaviest


cdef inline bint is_clear(const Search *search, int layer, int32_t member) noexcept nogil:
    """Whether the heaviest walk to a member avoids all who are to be avoided."""
    while layer > 0:
        if search.avoided[member]:
            return False
        member = search.via[layer * search.n + member]
        layer = layer - 1
    return True


cdef inline bint is_barred(const Walk *walk, int32_t member) noexcept nogil:
    cdef int each
    for each in range(walk.bars):
        if walk.barred[each] == member:
            return True
    return False


cdef inline double weight(const Search *search, int32_t giver, int32_t receiver) noexcept nogil:
    """What an introduction weighs; 0 if the two have nothing to do with each other."""
    cdef Py_ssize_t s
    for s in range(search.offsets[receiver], search.offsets[receiver + 1]):
        if search.sources[s] == giver:
            return search.edge[s]
    return 0.0


cdef inline double reach_around(Search *search, int layer, int32_t member) noexcept nogil:
    """reach without walks by those who are avoided; looked for only where these change it."""
    cdef Py_ssize_t at = layer * search.n + member
    if search.reach[at] == 0.0 or is_clear(search, layer, member):
        return search.reach[at]
    if search.stamp[at] != search.now:
        search.around[at] = come(search, NULL, layer, member, &search.around_via[at])
        search.stamp[at] = search.now
    return search.around[at]


cdef inline double come(
    Search *search, const Walk *end, int layer, int32_t member, int32_t *via
) noexcept nogil:
    """The heaviest walk of so many links to a member that avoids who is to be avoided.

    Nor does it come from one barred at `end`, if there is an end. The first look finds whom to try
    first, so that the second has to try few.
    """
    cdef double *before = search.reach + (layer - 1) * search.n
    cdef double heaviest = 0.0, bound, product
    cdef int32_t first = -1, i
    cdef int look
    cdef Py_ssize_t s
    via[0] = -1
    for look in range(2):
        bound = 0.0
        for s in range(search.offsets[member], search.offsets[member + 1]):
            i = search.sources[s]
            if before[i] == 0.0 or search.avoided[i] or not may_pass(search, i, layer - 1):
                continue
            if end != NULL and is_barred(end, i):
                continue
            product = before[i] * search.edge[s]
            if look == 0:
                if product > bound:
                    bound, first = product, i
            elif product > heaviest or (product == heaviest > 0.0 and i < via[0]):
                product = reach_around(search, layer - 1, i) * search.edge[s]
                if product > heaviest or (product == heaviest > 0.0 and i < via[0]):
                    heaviest, via[0] = product, i
        if look == 0:
            if first < 0:
                return 0.0
            heaviest = reach_around(search, layer - 1, first)
            heaviest = heaviest * weight(search, first, member)
            via[0] = first if heaviest > 0.0 else -1
    return heaviest


cdef inline void trace(Search *search, Walk *walk, int place, int32_t via) noexcept nogil:
    """Write what comes before a place of a walk, whose member is written: `via`, and on."""
    cdef Py_ssize_t at
    while place > 0:
        walk.link[place - 1] = weight(search, via, walk.member[place])
        place = place - 1
        walk.member[place] = via
        at = place * search.n + via
        if place > 0:
            via = search.via[at] if is_clear(search, place, via) else search.around_via[at]
    walk.product[0] = 1.0
    for place in range(walk.length):
        walk.product[place + 1] = walk.product[place] * walk.link[place]


cdef inline void solve(Search *search, Walk *walk) noexcept nogil:
    """The best of a set: of all walks that share the end of `walk`, into `walk` itself."""
    cdef Walk end = walk[0]
    cdef int later = end.fixed - 1, head = end.length - later, place, each, best = 0
    cdef int32_t member = end.member[head], via = -1, best_via = -1
    cdef double product, heaviest = 0.0
    search.now = search.now + 1
    for place in range(head, end.length + 1):
        search.avoided[end.member[place]] = 1
    for place in range(1, search.hops - later + 1):
        product = 0.0
        if search.reach[place * search.n + member] > 0.0:
            product = come(search, &end, place, member, &via)
        for each in range(head, end.length):
            product = product * end.link[each]
        if product > heaviest:
            heaviest, best, best_via = product, place, via
    walk.length = 0
    if best > 0:
        walk.length = best + later
        for each in range(later + 1):
            walk.member[best + each] = end.member[head + each]
            walk.link[best + each] = end.link[head + each]
        trace(search, walk, best, best_via)
    for place in range(head, end.length + 1):
        search.avoided[end.member[place]] = 0


cdef inline void solve_all(Search *search, Walk *walk) noexcept nogil:
    """The best of all paths, but for those that end with one barred."""
    cdef int place
    cdef int32_t member, best = -1
    cdef double heaviest = 0.0, product
    cdef Py_ssize_t each
    walk.length = 0
    for place in range(1, search.hops + 1):
        for each in range(search.end_count):
            member = search.ends[each]
            product = search.reach[place * search.n + member]
            if product < heaviest or product == 0.0 or is_barred(walk, member):
                continue
            if product > heaviest or (place == walk.length and member < best):
                heaviest, walk.length, best = product, place, member
    if walk.length > 0:
        walk.member[walk.length] = best
        trace(search, walk, walk.length, search.via[walk.length * search.n + best])


cdef inline bint goes_first(const Walk *a, const Walk *b) noexcept nogil:
    """The written order of paths."""
    cdef int at = a.length
    if a.product[a.length] != b.product[b.length]:
        return a.product[a.length] > b.product[b.length]
    if a.length != b.length:
        return a.length < b.length
    while at > 0:
        if a.member[at] != b.member[at]:
            return a.member[at] < b.member[at]
        if a.product[at] != b.product[at]:
            return a.product[at] > b.product[at]
        at = at - 1
    return False


cdef inline void put(Search *search, Walk *walk) noexcept nogil:
    """Find the best of a set, and keep the set unless it is empty."""
    if walk.fixed == 0:
        solve_all(search, walk)
    else:
        solve(search, walk)
    if walk.length > 0:
        search.sets[search.open] = walk[0]
        search.open = search.open + 1


cdef inline void divide(Search *search, const Walk *path) noexcept nogil:
    """All paths of the set of a path but itself, as sets: by where they part from it."""
    cdef Walk rest = path[0]
    cdef int fixed
    rest.barred[rest.bars] = path.member[path.length - path.fixed]
    rest.bars = rest.bars + 1
    put(search, &rest)
    for fixed in range(path.fixed + 1, path.length + 1):
        rest = path[0]
        rest.fixed, rest.bars = fixed, 1
        rest.barred[0] = path.member[path.length - fixed]
        put(search, &rest)


cdef inline void collect(Search *search, int hops) noexcept nogil:
    """Find the best paths of at most so many links."""
    cdef Walk walk
    cdef int best, each
    search.hops, search.open, search.found = hops, 0, 0
    walk.fixed = walk.bars = walk.length = 0
    put(search, &walk)
    while search.open > 0:
        best = 0
        for each in range(1, search.open):
            if goes_first(&search.sets[each], &search.sets[best]):
                best = each
        walk = search.sets[best]
        search.open = search.open - 1
        search.sets[best] = search.sets[search.open]
        search.paths[search.found] = walk
        search.found = search.found + 1
        if search.found == search.count:
            return
        divide(search, &walk)
