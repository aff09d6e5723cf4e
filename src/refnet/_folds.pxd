# What one model event adds to which accumulators (score-model section 3).

from libc.stdint cimport int32_t, int64_t

from ._model cimport *


cdef inline void fold_pair(
    int64_t[:, ::1] totals, int32_t[:, ::1] periods, Py_ssize_t slot, Py_ssize_t field,
    int64_t day, int64_t weight, const int64_t *tables, bint decay,
) noexcept nogil:
    accumulate(
        &totals[field, slot], &periods[field, slot],
        day, weight, PAIR_HALF_LIFE[field], tables, decay,
    )


cdef inline void fold_member(
    int64_t[:, ::1] totals, int32_t[:, ::1] periods, Py_ssize_t member, Py_ssize_t field,
    int64_t day, int64_t weight, const int64_t *tables, bint decay,
) noexcept nogil:
    accumulate(
        &totals[field, member], &periods[field, member],
        day, weight, MEMBER_HALF_LIFE[field], tables, decay,
    )


cdef inline void fold_value(
    int64_t[:, ::1] totals, int32_t[:, ::1] periods, Py_ssize_t slot,
    int64_t day, int64_t weight, const int64_t *tables, bint decay,
) noexcept nogil:
    fold_pair(totals, periods, slot, GV, day, weight, tables, decay)
    fold_pair(totals, periods, slot, RG, day, weight, tables, decay)
    fold_pair(totals, periods, slot, GL, day, weight, tables, decay)


cdef inline void fold_between(
    int64_t[:, ::1] totals, int32_t[:, ::1] periods, Py_ssize_t slot, Py_ssize_t back,
    int64_t day, int kind, int64_t amount, int64_t value_half,
    const int64_t *tables, bint decay,
) noexcept nogil:
    """One event between two members: slot is a->b, back is b->a."""
    if kind == MEETING:
        fold_pair(totals, periods, slot, MT, day, amount, tables, decay)
        fold_pair(totals, periods, back, MT, day, amount, tables, decay)
    elif kind == TESTIMONIAL and amount > 0:
        fold_pair(totals, periods, slot, TP, day, amount, tables, decay)
    elif kind == TESTIMONIAL and amount < 0:
        fold_pair(totals, periods, slot, TN, day, -amount, tables, decay)
    elif kind == CLIENT and amount > 0:
        fold_pair(totals, periods, slot, CP, day, amount, tables, decay)
    elif kind == CLIENT and amount < 0:
        fold_pair(totals, periods, slot, CN, day, -amount, tables, decay)
    elif kind == ACCEPTED:
        fold_value(totals, periods, slot, day, ACCEPTED_VALUE, tables, decay)
    elif kind == WON:
        fold_value(totals, periods, slot, day, WON_VALUE, tables, decay)
        fold_pair(totals, periods, slot, CP, day, WON_CLIENT, tables, decay)
    elif kind == CLOSED:
        amount = (CLOSED_VALUE_MAX * amount) // (amount + value_half)
        fold_value(totals, periods, slot, day, amount, tables, decay)
    elif kind == LOST:
        fold_pair(totals, periods, slot, CN, day, LOST_CLIENT, tables, decay)
    elif kind == JUNK:
        fold_pair(totals, periods, slot, GB, day, JUNK_BAD, tables, decay)


cdef inline void fold_on(
    int64_t[:, ::1] totals, int32_t[:, ::1] periods, Py_ssize_t a, Py_ssize_t b,
    int64_t day, int kind, int64_t amount, const int64_t *tables, bint decay, bint uniform,
) noexcept nogil:
    """One event on a single member: a, or b for a client whom nobody known introduced."""
    if kind == JOIN and not uniform:
        fold_member(totals, periods, a, WEL, day, amount, tables, decay)
    elif kind == ATTENDANCE:
        fold_member(totals, periods, a, AT, day, amount, tables, decay)
    elif kind == SIGNAL:
        fold_member(totals, periods, a, SIG, day, amount, tables, decay)
    elif kind == CLIENT and amount > 0:
        fold_member(totals, periods, b, UNKNOWN_CP, day, amount, tables, decay)
    elif kind == CLIENT and amount < 0:
        fold_member(totals, periods, b, UNKNOWN_CN, day, -amount, tables, decay)
