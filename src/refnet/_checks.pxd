# What the kernel checks at its door: one linear pass each, and a Status instead of an exception, so
# that nothing here needs the GIL.

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._model cimport *


cdef enum:  # Status
    OK
    WRONG_SHAPE
    WRONG_TABLE
    WRONG_THREADS
    NEGATIVE_DAY
    UNKNOWN_KIND
    UNKNOWN_MEMBER
    SELF_PAIR
    AMOUNT_OUT_OF_RANGE
    VALUE_HALF_OUT_OF_RANGE
    SLOT_OUT_OF_RANGE
    WRONG_OFFSETS
    PAIRS_NOT_SORTED
    PAIRS_NOT_SYMMETRIC
    STANDING_OUT_OF_RANGE
    DAY_BEFORE_EVENTS
    UNKNOWN_MODEL
    WRONG_TILE_BITS
    STATUSES


cdef inline int check_event(
    int64_t day, int kind, int64_t a, int64_t b, int64_t amount, int64_t members
) noexcept nogil:
    cdef bint single = kind == JOIN or kind == ATTENDANCE or kind == SIGNAL
    if kind >= KINDS:
        return UNKNOWN_KIND
    if day < 0:
        return NEGATIVE_DAY
    if a >= members or a < (-1 if kind == CLIENT else 0):
        return UNKNOWN_MEMBER
    if not single and not 0 <= b < members:
        return UNKNOWN_MEMBER
    if not single and kind != CLIENT and a == b:
        return SELF_PAIR
    if kind == TESTIMONIAL or kind == CLIENT:
        return OK if -RATING_MAX <= amount <= RATING_MAX else AMOUNT_OUT_OF_RANGE
    if amount < 0 or amount > (CLOSED_VALUE_LIMIT if kind == CLOSED else WEIGHT_LIMIT):
        return AMOUNT_OUT_OF_RANGE
    return OK


cdef inline int check_tables(const int64_t[::1] tables) noexcept nogil:
    cdef Py_ssize_t entry
    if tables.shape[0] != TABLE_SIZE:
        return WRONG_SHAPE
    for entry in range(TABLE_SIZE):
        if not DECAY_ONE <= tables[entry] < 2 * <int64_t>DECAY_ONE:
            return WRONG_TABLE
    return OK


cdef inline int check_slots(
    const uint8_t[::1] kind, const int64_t[::1] slot, const int64_t[::1] back, Py_ssize_t pairs
) noexcept nogil:
    """-1 stands for no pair, which only events on a single member may have."""
    cdef Py_ssize_t event
    cdef bint single
    for event in range(kind.shape[0]):
        single = kind[event] in (JOIN, ATTENDANCE, SIGNAL, CLIENT)
        if not (-1 if single else 0) <= slot[event] < pairs:
            return SLOT_OUT_OF_RANGE
        if not (0 if kind[event] == MEETING else -1) <= back[event] < pairs:
            return SLOT_OUT_OF_RANGE
    return OK


cdef inline int check_offsets(const int64_t[::1] offsets, Py_ssize_t pairs) noexcept nogil:
    cdef Py_ssize_t row
    if offsets[0] != 0 or offsets[offsets.shape[0] - 1] != pairs:
        return WRONG_OFFSETS
    for row in range(offsets.shape[0] - 1):
        if offsets[row] > offsets[row + 1]:
            return WRONG_OFFSETS
    return OK


cdef inline int check_targets(
    const int64_t[::1] offsets, const int32_t[::1] targets
) noexcept nogil:
    cdef Py_ssize_t row, slot, members = offsets.shape[0] - 1
    cdef int64_t before
    for row in range(members):
        before = -1
        for slot in range(offsets[row], offsets[row + 1]):
            if targets[slot] <= before or targets[slot] == row:
                return PAIRS_NOT_SORTED
            before = targets[slot]
        if before >= members:
            return UNKNOWN_MEMBER
    return OK


cdef inline int check_rows(
    const int32_t[::1] rows, const int32_t[::1] near, Py_ssize_t members
) noexcept nogil:
    """Both must rise, `near` name members, and `rows` none whom `near` does not name."""
    cdef Py_ssize_t place, at = 0
    cdef int64_t before = -1
    for place in range(near.shape[0]):
        if not before < near[place] < members:
            return UNKNOWN_MEMBER
        before = near[place]
    for place in range(rows.shape[0]):
        while at < near.shape[0] and near[at] < rows[place]:
            at += 1
        if at == near.shape[0] or near[at] != rows[place]:
            return UNKNOWN_MEMBER
        at += 1
    return OK


cdef inline int check_row(
    Py_ssize_t i, const int64_t[::1] offsets, const int32_t[::1] targets,
    const int32_t[::1] reverse,
) noexcept nogil:
    """1 unless reverse leads from each slot of row i to the slot of the reverse pair."""
    cdef Py_ssize_t slot, k
    for slot in range(offsets[i], offsets[i + 1]):
        k = targets[slot]
        if not offsets[k] <= reverse[slot] < offsets[k + 1] or targets[reverse[slot]] != i:
            return 1
    return 0
