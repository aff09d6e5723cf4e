# The passes of score-model section 4.7, one row (member) at a time. A pass writes its own row only
# and reads of other rows only what an earlier pass wrote. Sums run in the order of the slots.

from libc.stdint cimport int32_t, int64_t

from ._model cimport *


cdef struct Clock:
    # The period of the day of reading, and what one count of a total is worth on that day.
    int64_t[9] pair_now
    double[9] pair_scale
    int64_t[5] member_now
    double[5] member_scale


cdef enum:  # Edge
    # What is known of a slot; 64 bytes, so that a look at the reverse slot is one cache line.
    # TRUST and DISTRUST hold the masses TP and TN until `endorse` makes them C and E (4.1).
    GIVEN, RECENT, VALUED, LASTING, PRAISED, BLAMED, TRUST, DISTRUST, EDGES


cdef enum:  # Flow
    # What streams by in passes that need nothing else of a slot, 8 bytes instead of an edge's 64: C
    # once more, E of the reverse slot, and e of P.
    OUT_TRUST, IN_DISTRUST, MUTUAL, FLOWS


cdef enum:  # Person
    WELCOME, SIGNALLED, VOICE, VALUE_SPENT, LASTING_SPENT, ECHO, REACH, REACHED, WORTH, PEOPLE


cdef inline void read_clock(
    int64_t half_life, int64_t day, const int64_t *tables, bint decay,
    int64_t *now, double *scale,
) noexcept nogil:
    """3.1 read: the period of the day, and one thousandth at the day's age within it."""
    now[0] = day // half_life if decay else 0
    cdef int64_t age = day - now[0] * half_life if decay else 0
    scale[0] = 1.0 / <double>(MILLI * tables[table_start(half_life) + age])


cdef inline double mass_at(
    const int64_t[:, ::1] totals, const int32_t[:, ::1] periods, Py_ssize_t field,
    Py_ssize_t slot, const int64_t *now, const double *scale,
) noexcept nogil:
    return mass_of(totals[field, slot], periods[field, slot], now[field], scale[field])


cdef inline int arrive(
    const Model *model, Py_ssize_t i, const int64_t[:, ::1] totals, const int32_t[:, ::1] periods,
    const double[::1] standing, Clock *clock, bint uniform,
    double[:, ::1] people, double[:, ::1] out,
) noexcept nogil:
    """4.1 pre-trust, and what else is known of a member alone. 1 if read before an event."""
    cdef Py_ssize_t field
    for field in range(MEMBER_FIELDS):
        if periods[field, i] > clock.member_now[field]:
            return 1
    cdef const int64_t *now = clock.member_now
    cdef const double *scale = clock.member_scale
    cdef double attended = mass_at(totals, periods, AT, i, now, scale)
    cdef double praised = mass_at(totals, periods, UNKNOWN_CP, i, now, scale)
    cdef double blamed = mass_at(totals, periods, UNKNOWN_CN, i, now, scale)
    cdef double heard = clients_weigh(model, praised, blamed)
    people[WELCOME, i] = mass_at(totals, periods, WEL, i, now, scale)
    people[SIGNALLED, i] = mass_at(totals, periods, SIG, i, now, scale)
    out[OUT_PRETRUST, i] = standing[i] * (attended / (attended + model.attendance_grace))
    if uniform:
        out[OUT_PRETRUST, i] = 1.0
    # The unknown introducer sorts before introducer 0, so its terms open the sums of component C.
    out[OUT_C, i] = 0.0 + model.unknown_voice * (praised / heard)
    out[OUT_N, i] = 0.0 + model.unknown_voice * (blamed / heard)
    return 0


cdef inline int read_row(
    const Model *model, Py_ssize_t i, const int64_t[::1] offsets,
    const int64_t[:, ::1] totals, const int32_t[:, ::1] periods, Clock *clock,
    double[:, ::1] edges, double[:, ::1] people, const double[:, ::1] out,
) noexcept nogil:
    """Accumulators to masses; g of 4.3; an introducer's voice. 1 if read before an event."""
    cdef Py_ssize_t s, field
    cdef double given, junk, lasting, praised, blamed, heard, spent = 0.0
    cdef const int64_t *now = clock.pair_now
    cdef const double *scale = clock.pair_scale
    for s in range(offsets[i], offsets[i + 1]):
        for field in range(PAIR_FIELDS):
            if periods[field, s] > now[field]:
                return 1
        given = mass_at(totals, periods, GV, s, now, scale)
        junk = model.junk_weight * mass_at(totals, periods, GB, s, now, scale)
        lasting = mass_at(totals, periods, GL, s, now, scale)
        praised = mass_at(totals, periods, CP, s, now, scale)
        blamed = mass_at(totals, periods, CN, s, now, scale)
        heard = clients_weigh(model, praised, blamed)
        edges[s, GIVEN] = given
        edges[s, RECENT] = mass_at(totals, periods, RG, s, now, scale)
        edges[s, VALUED] = given / ((given + junk) + model.value_grace)
        edges[s, LASTING] = lasting / ((lasting + junk) + model.lasting_grace)
        edges[s, PRAISED] = praised / heard
        edges[s, BLAMED] = blamed / heard
        edges[s, TRUST] = mass_at(totals, periods, TP, s, now, scale)
        edges[s, DISTRUST] = mass_at(totals, periods, TN, s, now, scale)
        spent = spent + (edges[s, PRAISED] + edges[s, BLAMED])
    spent = larger(model.client_budget, spent)
    people[VOICE, i] = (out[OUT_PRETRUST, i] * model.client_budget) / spent
    return 0


cdef inline void endorse(
    const Model *model, Py_ssize_t i, const int64_t[::1] offsets, const int32_t[::1] reverse,
    double[:, ::1] edges, double[:, ::1] flows, double[:, ::1] people,
) noexcept nogil:
    """4.1: a, S, D, then C and E within the budget; what i as a receiver acknowledges in all."""
    cdef Py_ssize_t s, back
    cdef double a, praise, slander
    cdef double trust = 0.0, distrust = 0.0, valued = 0.0, lasting = 0.0
    for s in range(offsets[i], offsets[i + 1]):
        back = reverse[s]
        praise = edges[s, TRUST]
        slander = edges[s, DISTRUST]
        a = praise + model.given_in_trust * edges[s, GIVEN]
        a = a + model.taken_in_trust * edges[back, GIVEN]
        edges[s, TRUST] = a / ((a + model.trust_grace) + slander)
        edges[s, DISTRUST] = slander / ((slander + model.distrust_grace) + a)
        trust = trust + edges[s, TRUST]
        distrust = distrust + edges[s, DISTRUST]
        valued = valued + edges[back, VALUED]
        lasting = lasting + edges[back, LASTING]
    trust = larger(model.trust_budget, trust)
    distrust = larger(model.trust_budget, distrust)
    for s in range(offsets[i], offsets[i + 1]):
        edges[s, TRUST] = edges[s, TRUST] / trust
        flows[OUT_TRUST, s] = edges[s, TRUST]
        edges[s, DISTRUST] = edges[s, DISTRUST] / distrust
    people[VALUE_SPENT, i] = larger(model.gratitude_budget, valued)
    people[LASTING_SPENT, i] = larger(model.gratitude_budget, lasting)


cdef inline void exchange(
    const Model *model, Py_ssize_t j, const int64_t[::1] offsets, const int32_t[::1] targets,
    const int32_t[::1] reverse, const double[:, ::1] edges, double[:, ::1] flows,
    double[:, ::1] people, double[:, ::1] out,
) noexcept nogil:
    """Everything of j that needs both slots of a pair: V, R, C, 4.4, and the echo of 4.2."""
    cdef Py_ssize_t s, k, back
    cdef double p, taken, returned_share
    cdef double value = 0.0, lasting = 0.0, good = out[OUT_C, j], bad = out[OUT_N, j]
    cdef double give = 0.0, take = 0.0, returned = 0.0, echo = 0.0
    for s in range(offsets[j], offsets[j + 1]):
        k = targets[s]
        back = reverse[s]
        p = out[OUT_PRETRUST, k]
        flows[IN_DISTRUST, s] = edges[back, DISTRUST]
        flows[MUTUAL, s] = p * smaller(edges[s, VALUED], edges[back, VALUED])
        echo = echo + edges[s, TRUST] * edges[back, TRUST]
        value = value + p * (edges[s, VALUED] / people[VALUE_SPENT, k])
        lasting = lasting + p * (edges[s, LASTING] / people[LASTING_SPENT, k])
        good = good + people[VOICE, k] * edges[back, PRAISED]
        bad = bad + people[VOICE, k] * edges[back, BLAMED]
        taken = p * (smaller(edges[back, RECENT], model.one_partner) / model.one_partner)
        give = give + p * (smaller(edges[s, RECENT], model.one_partner) / model.one_partner)
        take = take + taken
        returned_share = (smaller(edges[s, RECENT], edges[back, RECENT]) + PAIR_GRACE) / (
            edges[back, RECENT] + PAIR_GRACE
        )
        returned = returned + taken * returned_share
    cdef double welcome = people[WELCOME, j]
    people[ECHO, j] = (model.damping * model.damping) * echo
    out[OUT_V, j] = component(
        model, model.gratitude_budget * value, 0.0, eased(model, model.v_grace, welcome), welcome
    )
    out[OUT_R, j] = component(
        model, model.gratitude_budget * lasting, 0.0, eased(model, model.r_grace, welcome), welcome
    )
    out[OUT_C, j] = component(model, good, model.blame_weight * bad, model.c_grace, welcome)
    out[GIVE, j] = give
    out[TAKE, j] = take
    out[BALANCE, j] = (give + 1.0) / ((give + take) + 2.0)
    out[BILATERAL, j] = (returned + 1.0) / (take + 1.0)


cdef inline void judge(
    const Model *model, Py_ssize_t j, const int64_t[::1] offsets, const int32_t[::1] sources,
    const double[:, ::1] flows, double[:, ::1] people, double[:, ::1] out,
) noexcept nogil:
    """4.2: distrust received, and trust received without own vote and echo."""
    cdef Py_ssize_t s
    cdef double distrusted = 0.0
    for s in range(offsets[j], offsets[j + 1]):
        distrusted = distrusted + flows[IN_DISTRUST, s] * people[REACH, sources[s]]
    cdef double n = model.damping * distrusted
    cdef double x = people[REACH, j] * (1.0 - people[ECHO, j]) - out[OUT_PRETRUST, j]
    x = larger(x, 0.0)
    out[OUT_X, j] = x
    out[OUT_XN, j] = n
    cdef double welcome = people[WELCOME, j]
    out[OUT_T, j] = component(
        model, x, model.distrust_weight * n, eased(model, model.t_grace, welcome), welcome
    )
    people[WORTH, j] = x / ((x + model.distrust_weight * n) + model.t_grace)


cdef inline void finish(
    const Model *model, Py_ssize_t j, const int64_t[::1] offsets, const int32_t[::1] partners,
    const double[:, ::1] flows, const double[:, ::1] people, double[:, ::1] out,
) noexcept nogil:
    """4.3 P, 4.5 opportunism and the score."""
    cdef Py_ssize_t s
    cdef double mutual = 0.0, quality = 0.0
    for s in range(offsets[j], offsets[j + 1]):
        mutual = mutual + flows[MUTUAL, s]
        quality = quality + flows[MUTUAL, s] * people[WORTH, partners[s]]
    cdef double welcome = people[WELCOME, j], take = out[TAKE, j]
    cdef double gives = out[GIVE, j] + model.newcomer_gives * welcome
    cdef double n = out[OUT_XN, j], signalled = people[SIGNALLED, j]
    cdef double D = larger(take - model.taker_allowance * gives, 0.0)
    D = D / ((take + gives) + model.taker_grace)
    cdef double N = n / ((n + out[OUT_X, j]) + model.negative_grace)
    cdef double S = signalled / (signalled + model.signal_grace)
    cdef double opportunism = 1.0 - ((1.0 - D) * (1.0 - model.negative_cap * N)) * (1.0 - S)
    cdef double z = (opportunism - model.steep_from) / (model.steep_to - model.steep_from)
    z = smaller(larger(z, 0.0), 1.0)
    cdef double F = 1.0 - model.steep_depth * ((z * z) * (3.0 - 2.0 * z))
    quality = quality + (model.newcomer * model.p_grace) * welcome
    cdef double P = quality / (mutual + model.p_grace)
    cdef double raw = (
        model.w_v * out[OUT_V, j] + model.w_t * out[OUT_T, j] + model.w_c * out[OUT_C, j]
        + model.w_r * out[OUT_R, j] + model.w_p * P
    )
    out[OUT_P, j] = P
    out[OUT_D, j] = D
    out[OUT_N, j] = N
    out[OUT_O, j] = opportunism
    out[OUT_F, j] = F
    out[RAW, j] = 100.0 * raw
    out[SCORE, j] = (100.0 * raw) * F
