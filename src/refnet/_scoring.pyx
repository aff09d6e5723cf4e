"""The kernel of the score model: numbers in, numbers out.

Who guarantees what: `refnet.accumulators` and `refnet.scoring` convert, allocate and name things.
Each function here checks shapes, ids and ranges once, in one linear pass, and then loops without
bounds checks and without the GIL. A check yields a Status; `raise_for` turns it into a ValueError.

Invariant of the parallel loops: row r of an output is written by the iteration of row r, or of the
block that r is in, alone, and every sum starts at +0.0 and adds in the order of the slots. So no
thread count can change a bit.

A network is a compressed row store of ordered pairs. Slot s holds the pair (i, targets[s]) for
offsets[i] <= s < offsets[i + 1]; slots are sorted by (source, target); with a pair its reverse is
there too, in slot reverse[s]. Row j thus lists the sources of j as well, in order, which makes
reverse[s] the walk over pairs sorted by (target, source).
"""

from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memmove, memset

from ._checks cimport *
from ._folds cimport *
from ._model cimport *
from ._passes cimport *
from ._tiles cimport *

MODEL_NAMES = ("1", "2")
assert len(MODEL_NAMES) == MODEL_COUNT

KINDS_BY_NUMBER = (
    "JOIN", "ATTENDANCE", "MEETING", "TESTIMONIAL", "CLIENT",
    "ACCEPTED", "WON", "CLOSED", "LOST", "JUNK", "SIGNAL",
)
PAIR_FIELD_NAMES = ("GV", "RG", "GL", "GB", "CP", "CN", "TP", "TN", "MT")
MEMBER_FIELD_NAMES = ("CP", "CN", "AT", "WEL", "SIG")
ARRAY_NAMES = (
    "score", "raw", "V", "T", "C", "R", "P", "give", "take",
    "bal", "bil", "D", "N", "O", "F", "x", "xn", "p",
)
HALF_LIVES = (60, 180, 360, 720)
PAIR_HALF_LIVES = tuple(PAIR_HALF_LIFE[field] for field in range(PAIR_FIELDS))
MEMBER_HALF_LIVES = tuple(MEMBER_HALF_LIFE[field] for field in range(MEMBER_FIELDS))
CLOSED_MAX = CLOSED_VALUE_LIMIT
WEIGHT_MAX = WEIGHT_LIMIT
TILE_BITS = TILE_BITS_USED

# What `score` leaves in its scratch arrays, in the order of Edge, Flow and Person in _passes.pxd.
EDGE_NAMES = (
    "given", "recent", "valued", "lasting", "praised", "blamed", "trust", "distrust",
)
FLOW_NAMES = ("out_trust", "in_distrust", "mutual")
PERSON_NAMES = (
    "welcome", "signalled", "voice", "value_spent", "lasting_spent", "echo", "reach",
    "reached", "worth",
)
assert (len(EDGE_NAMES), len(FLOW_NAMES), len(PERSON_NAMES)) == (EDGES, FLOWS, PEOPLE)

MESSAGES = (
    "",
    "the arrays handed to the kernel do not fit together",
    "a decay table has an entry outside 2^30 .. 2^31 - 1",
    "the number of threads must be 1 to 1024",
    "a day number is negative",
    "the kind of event is not one of the model's",
    "a member id is neither known nor the next to join",
    "both members of a pair are the same",
    "an amount is outside its range",
    "value_half must be 1 to 10^12",
    "a slot is outside the pairs",
    "offsets must start at 0, never fall, and end at the number of pairs",
    "the targets of a row must rise strictly and name other members",
    "a pair lacks its reverse",
    "a standing is outside 0 .. 1",
    "the day to read lies before the period of an event already folded",
    "the model is not one of MODEL_NAMES",
    "tile_bits must be 1 to 16",
)


def raise_for(int status, Py_ssize_t index=-1):
    """Raise ValueError for any status but 0; index names the event at fault, -1 that none is."""
    if status == OK:
        return
    if not 0 < status < STATUSES:
        raise ValueError(f"status {status} is not one of the kernel's")
    place = f"event {index}: " if index >= 0 else ""
    raise ValueError(place + MESSAGES[status])


# --- folding ---------------------------------------------------------------------------------


def admit(
    const int32_t[::1] day, const uint8_t[::1] kind, const int32_t[::1] a,
    const int32_t[::1] b, const int64_t[::1] amount, int64_t members,
):
    """Check events in log order; return how many members there are after them.

    A JOIN of id `members` adds a member; every other id must be known before its event.
    """
    cdef Py_ssize_t event = 0, count = day.shape[0]
    cdef int status = OK
    if not count == kind.shape[0] == a.shape[0] == b.shape[0] == amount.shape[0]:
        raise_for(WRONG_SHAPE)
    with nogil:
        for event in range(count):
            if kind[event] == JOIN and a[event] == members:
                members += 1
            status = check_event(
                day[event], kind[event], a[event], b[event], amount[event], members
            )
            if status != OK:
                break
    raise_for(status, event)
    return members


def fold(
    const int32_t[::1] day, const uint8_t[::1] kind, const int32_t[::1] a,
    const int32_t[::1] b, const int64_t[::1] amount,
    const int64_t[::1] slot, const int64_t[::1] back,
    int64_t[:, ::1] pair_totals, int32_t[:, ::1] pair_periods,
    int64_t[:, ::1] member_totals, int32_t[:, ::1] member_periods,
    const int64_t[::1] tables, bint decay, bint uniform, int64_t value_half,
):
    """Fold events in log order into accumulators, in place (score-model section 3).

    slot, back: int64[events], the slots of a->b and b->a, -1 where the event has no pair.
    pair_*: [9, pairs], member_*: [5, members]; totals are thousandths times 2^30 to 2^31,
    periods count half-lives since day 0, -1 for an empty accumulator.
    """
    cdef Py_ssize_t event, count = day.shape[0]
    cdef int64_t members = member_totals.shape[1]
    if members != admit(day, kind, a, b, amount, members):
        raise_for(UNKNOWN_MEMBER)
    if slot.shape[0] != count or back.shape[0] != count:
        raise_for(WRONG_SHAPE)
    _check_accumulators(pair_totals, pair_periods, PAIR_FIELDS)
    _check_accumulators(member_totals, member_periods, MEMBER_FIELDS)
    raise_for(check_tables(tables))
    if not 1 <= value_half <= CLOSED_VALUE_LIMIT:
        raise_for(VALUE_HALF_OUT_OF_RANGE)
    raise_for(check_slots(kind, slot, back, pair_totals.shape[1]))
    with nogil:
        for event in range(count):
            if slot[event] >= 0:
                fold_between(
                    pair_totals, pair_periods, slot[event], back[event], day[event],
                    kind[event], amount[event], value_half, &tables[0], decay,
                )
            else:
                fold_on(
                    member_totals, member_periods, a[event], b[event], day[event],
                    kind[event], amount[event], &tables[0], decay, uniform,
                )


def _check_accumulators(
    const int64_t[:, ::1] totals, const int32_t[:, ::1] periods, Py_ssize_t fields
):
    if totals.shape[0] != fields or periods.shape[0] != fields:
        raise_for(WRONG_SHAPE)
    if totals.shape[1] != periods.shape[1]:
        raise_for(WRONG_SHAPE)


# --- reading ---------------------------------------------------------------------------------


cdef int _reverse(
    const int64_t[::1] offsets, const int32_t[::1] targets,
    int64_t[::1] cursor, int32_t[::1] reverse,
) noexcept nogil:
    """In order of sources, the next slot of row k not yet met must be the reverse of (i, k)."""
    cdef Py_ssize_t row, slot, k
    for row in range(cursor.shape[0]):
        cursor[row] = offsets[row]
    for row in range(cursor.shape[0]):
        for slot in range(offsets[row], offsets[row + 1]):
            k = targets[slot]
            if cursor[k] >= offsets[k + 1] or targets[cursor[k]] != row:
                return PAIRS_NOT_SYMMETRIC
            reverse[slot] = <int32_t>cursor[k]
            cursor[k] += 1
    return OK


def reverse_slots(
    const int64_t[::1] offsets, const int32_t[::1] targets,
    int64_t[::1] cursor, int32_t[::1] reverse,
):
    """Fill reverse[s] with the slot of the reverse pair; int32[pairs]. cursor: scratch, int64[n].

    offsets: int64[n + 1]; targets: int32[pairs], pairs < 2^31.
    """
    cdef int status
    if offsets.shape[0] != cursor.shape[0] + 1 or targets.shape[0] != reverse.shape[0]:
        raise_for(WRONG_SHAPE)
    raise_for(check_offsets(offsets, targets.shape[0]))
    raise_for(check_targets(offsets, targets))
    with nogil:
        status = _reverse(offsets, targets, cursor, reverse)
    raise_for(status)


def make_room(
    const uint8_t[:, ::1] old, uint8_t[:, ::1] new, const int64_t[::1] gaps,
    Py_ssize_t count, Py_ssize_t size, int filler,
):
    """Move `count` items of `size` bytes at the head of each row of old to new, leaving gaps.

    gaps: where in new there is none of them, rising; these bytes become `filler`. new may be old.
    """
    cdef Py_ssize_t row, gap, left, end, run, total = count + gaps.shape[0]
    if new.shape[0] != old.shape[0] or count < 0 or size < 1:
        raise_for(WRONG_SHAPE)
    if old.shape[1] < count * size or new.shape[1] < total * size:
        raise_for(WRONG_SHAPE)
    for gap in range(gaps.shape[0]):
        if not (gaps[gap - 1] if gap else -1) < gaps[gap] < total:
            raise_for(SLOT_OUT_OF_RANGE)
    with nogil:
        for row in range(old.shape[0]):
            left, end = count, total
            for gap in range(gaps.shape[0] - 1, -1, -1):  # the last first: nothing is overrun
                run = end - gaps[gap] - 1
                left -= run
                if run:
                    memmove(&new[row, (gaps[gap] + 1) * size], &old[row, left * size], run * size)
                end = gaps[gap]
                memset(&new[row, end * size], filler, size)
            if end and &new[row, 0] != &old[row, 0]:
                memcpy(&new[row, 0], &old[row, 0], end * size)


cdef Clock _clock_at(int64_t day, const int64_t *tables, bint decay) noexcept nogil:
    cdef Clock clock
    cdef Py_ssize_t field
    for field in range(PAIR_FIELDS):
        read_clock(
            PAIR_HALF_LIFE[field], day, tables, decay,
            &clock.pair_now[field], &clock.pair_scale[field],
        )
    for field in range(MEMBER_FIELDS):
        read_clock(
            MEMBER_HALF_LIFE[field], day, tables, decay,
            &clock.member_now[field], &clock.member_scale[field],
        )
    return clock


def read_pairs(
    const int64_t[:, ::1] totals, const int32_t[:, ::1] periods, const int64_t[::1] slots,
    int field, int64_t day, const int64_t[::1] tables, bint decay, double[::1] masses,
):
    """Fill masses with one field at the slots on a day, in units; slot -1 gives 0."""
    cdef Py_ssize_t row
    cdef Clock clock
    _check_accumulators(totals, periods, PAIR_FIELDS)
    raise_for(check_tables(tables))
    if not 0 <= field < PAIR_FIELDS or masses.shape[0] != slots.shape[0]:
        raise_for(WRONG_SHAPE)
    if day < 0:
        raise_for(NEGATIVE_DAY)
    clock = _clock_at(day, &tables[0], decay)
    for row in range(slots.shape[0]):
        if not -1 <= slots[row] < totals.shape[1]:
            raise_for(SLOT_OUT_OF_RANGE)
        masses[row] = 0.0
        if slots[row] >= 0:
            if periods[field, slots[row]] > clock.pair_now[field]:
                raise_for(DAY_BEFORE_EVENTS)
            masses[row] = mass_at(
                totals, periods, field, slots[row], clock.pair_now, clock.pair_scale
            )


def read_members(
    const int64_t[:, ::1] totals, const int32_t[:, ::1] periods,
    int field, int64_t day, const int64_t[::1] tables, bint decay, double[::1] masses,
):
    """Fill masses with one field of every member on a day, in units."""
    cdef Py_ssize_t i
    cdef Clock clock
    _check_accumulators(totals, periods, MEMBER_FIELDS)
    raise_for(check_tables(tables))
    if not 0 <= field < MEMBER_FIELDS or masses.shape[0] != totals.shape[1]:
        raise_for(WRONG_SHAPE)
    if day < 0:
        raise_for(NEGATIVE_DAY)
    clock = _clock_at(day, &tables[0], decay)
    for i in range(totals.shape[1]):
        if periods[field, i] > clock.member_now[field]:
            raise_for(DAY_BEFORE_EVENTS)
        masses[i] = mass_at(totals, periods, field, i, clock.member_now, clock.member_scale)


def constants(int model):
    """The constants of a model by name, as the kernel uses them. model: index in MODEL_NAMES."""
    if not 0 <= model < MODEL_COUNT:
        raise_for(UNKNOWN_MODEL)
    return dict(MODELS[model])


def balance_of(double given, double taken):
    """4.4 pair view: 0.5 where nothing was given or taken."""
    return (given + PAIR_GRACE) / ((given + taken) + (PAIR_GRACE + PAIR_GRACE))


cdef int _check_network(
    const int64_t[::1] offsets, const int32_t[::1] targets, const int32_t[::1] reverse,
    const double[::1] standing, const int32_t[::1] rows, const int32_t[::1] near, int threads,
) noexcept nogil:
    """Reverse slots are looked at in the rows `near` only, for elsewhere nothing follows them."""
    cdef Py_ssize_t i, members = standing.shape[0]
    cdef int status, wrong = 0
    if threads < 1 or threads > THREADS_LIMIT:
        return WRONG_THREADS
    if offsets.shape[0] != members + 1 or targets.shape[0] != reverse.shape[0]:
        return WRONG_SHAPE
    for i in range(members):
        if not 0.0 <= standing[i] <= 1.0:
            return STANDING_OUT_OF_RANGE
    status = check_offsets(offsets, targets.shape[0])
    if status == OK:
        status = check_targets(offsets, targets)
    if status == OK:
        status = check_rows(rows, near, members)
    if status != OK:
        return status
    for i in prange(near.shape[0], num_threads=threads, schedule="guided"):
        wrong += check_row(near[i], offsets, targets, reverse)
    return PAIRS_NOT_SYMMETRIC if wrong else OK


cdef int _check_tiles(
    const int64_t[:, :, ::1] bounds, const uint32_t[::1] places, const double[::1] weights,
    Py_ssize_t members, Py_ssize_t pairs, int bits,
) noexcept nogil:
    cdef Py_ssize_t blocks
    if bits < 1 or bits > TILE_BITS_LIMIT:
        return WRONG_TILE_BITS
    blocks = blocks_of(members, bits)
    if bounds.shape[0] != blocks or bounds.shape[1] != TILE_BOUNDS or bounds.shape[2] != blocks:
        return WRONG_SHAPE
    return WRONG_SHAPE if places.shape[0] < pairs or weights.shape[0] < pairs else OK


cdef void _pulls(
    const Model *model, const int64_t[::1] offsets, const int32_t[::1] targets,
    const double[::1] trust, const double[::1] pretrust, double[::1] reach, double[::1] reached,
    int64_t[:, :, ::1] bounds, uint32_t[::1] places, double[::1] weights, int bits, int threads,
) noexcept nogil:
    """4.2: V into `reach`; `reached` is scratch, and ends as V of the pull before the last."""
    cdef Py_ssize_t block, blocks = bounds.shape[0]
    cdef int _pull
    for block in prange(blocks, num_threads=threads, schedule="dynamic"):
        lay_out(block, bits, offsets, targets, trust, bounds, places, weights)
    for block in prange(blocks, num_threads=threads, schedule="dynamic"):
        pull(model, block, bits, bounds, places, weights, pretrust, pretrust, reached)
    for _pull in range(PULLS // 2 - 1):
        for block in prange(blocks, num_threads=threads, schedule="dynamic"):
            pull(model, block, bits, bounds, places, weights, pretrust, reached, reach)
        for block in prange(blocks, num_threads=threads, schedule="dynamic"):
            pull(model, block, bits, bounds, places, weights, pretrust, reach, reached)
    for block in prange(blocks, num_threads=threads, schedule="dynamic"):
        pull(model, block, bits, bounds, places, weights, pretrust, reached, reach)


def propagate(
    const int64_t[::1] offsets, const int32_t[::1] targets, const double[::1] trust,
    const double[::1] pretrust, double[::1] reach, double[::1] reached,
    int64_t[:, :, ::1] bounds, uint32_t[::1] places, double[::1] weights, model, int tile_bits,
    int threads,
):
    """Fill reach, [n], with V of score-model section 4.2: the pulls of `score` by themselves.

    trust: [pairs], C of each slot; pretrust: [n]. reached: [n], bounds, places, weights: scratch,
    as for `score`. model: its constants, as `constants` gives them. A pair without trust passes
    nothing on, even of a V that is not finite.
    """
    cdef Py_ssize_t slot, unknown = 0, n = pretrust.shape[0], pairs = targets.shape[0]
    cdef Model fixed = model
    if threads < 1 or threads > THREADS_LIMIT:
        raise_for(WRONG_THREADS)
    if offsets.shape[0] != n + 1 or reach.shape[0] != n or reached.shape[0] != n:
        raise_for(WRONG_SHAPE)
    if trust.shape[0] != pairs:
        raise_for(WRONG_SHAPE)
    raise_for(_check_tiles(bounds, places, weights, n, pairs, tile_bits))
    raise_for(check_offsets(offsets, pairs))
    for slot in prange(pairs, num_threads=threads, schedule="static", nogil=True):
        unknown += <size_t>targets[slot] >= <size_t>n  # what is below 0 is far above n
    raise_for(UNKNOWN_MEMBER if unknown else OK)
    with nogil:
        _pulls(
            &fixed, offsets, targets, trust, pretrust, reach, reached, bounds, places, weights,
            tile_bits, threads,
        )


cdef int _passes(
    const Model *model, const int64_t[::1] offsets, const int32_t[::1] targets,
    const int32_t[::1] reverse,
    const int64_t[:, ::1] pair_totals, const int32_t[:, ::1] pair_periods,
    const int64_t[:, ::1] member_totals, const int32_t[:, ::1] member_periods,
    const double[::1] standing, Clock *clock, bint uniform,
    const int32_t[::1] rows, const int32_t[::1] near,
    double[:, ::1] edges, double[:, ::1] flows, double[:, ::1] people, double[:, ::1] out,
    int64_t[:, :, ::1] bounds, uint32_t[::1] places, double[::1] weights, int bits, int threads,
) noexcept nogil:
    cdef Py_ssize_t i, n = standing.shape[0]
    cdef int early = 0
    for i in prange(near.shape[0], num_threads=threads, schedule="guided"):
        early += arrive(
            model, near[i], member_totals, member_periods, standing, clock, uniform, people, out
        )
    for i in prange(rows.shape[0], num_threads=threads, schedule="guided"):
        early += read_row(
            model, rows[i], offsets, pair_totals, pair_periods, clock, edges, people, out
        )
    if early:
        return DAY_BEFORE_EVENTS
    for i in prange(rows.shape[0], num_threads=threads, schedule="guided"):
        endorse(model, rows[i], offsets, reverse, edges, flows, people)
    for i in prange(near.shape[0], num_threads=threads, schedule="guided"):
        exchange(model, near[i], offsets, targets, reverse, edges, flows, people, out)
    _pulls(
        model, offsets, targets, flows[OUT_TRUST], out[OUT_PRETRUST], people[REACH],
        people[REACHED], bounds, places, weights, bits, threads,
    )
    for i in prange(n, num_threads=threads, schedule="guided"):
        judge(model, i, offsets, targets, flows, people, out)
    for i in prange(n, num_threads=threads, schedule="guided"):
        finish(model, i, offsets, targets, flows, people, out)
    return OK


def score(
    const int64_t[::1] offsets, const int32_t[::1] targets, const int32_t[::1] reverse,
    const int64_t[:, ::1] pair_totals, const int32_t[:, ::1] pair_periods,
    const int64_t[:, ::1] member_totals, const int32_t[:, ::1] member_periods,
    const double[::1] standing, int64_t day, const int64_t[::1] tables,
    bint decay, bint uniform, const int32_t[::1] rows, const int32_t[::1] near,
    double[:, ::1] edges, double[:, ::1] flows, double[:, ::1] people, double[:, ::1] out,
    int64_t[:, :, ::1] bounds, uint32_t[::1] places, double[::1] weights, model, int tile_bits,
    int threads,
):
    """Fill out, [18, n] in the order of ARRAY_NAMES, with the scores of a day.

    edges: [pairs, 8], flows: [3, pairs or more], people: [9, n] are scratch, in the order of
    EDGE_NAMES, FLOW_NAMES and PERSON_NAMES. bounds: [blocks, 2, blocks], places, weights: [pairs or
    more] are scratch as well, of no use afterwards. tile_bits: 1 .. 16, usually TILE_BITS: a block
    is of 2^tile_bits members, and no bit depends on it. model: its constants, as `constants` gives
    them.

    rows, near: everybody. Or scratch and out hold what an earlier call left there for the same day
    and model: then rows are those in whose accumulators or standing anything changed since, and
    near are these and their partners, both rising. What passes reach further is done for everybody.
    """
    cdef Py_ssize_t n = standing.shape[0], pairs = targets.shape[0]
    cdef Model fixed = model
    cdef Clock clock
    cdef int status
    _check_accumulators(pair_totals, pair_periods, PAIR_FIELDS)
    _check_accumulators(member_totals, member_periods, MEMBER_FIELDS)
    if pair_totals.shape[1] != pairs or member_totals.shape[1] != n:
        raise_for(WRONG_SHAPE)
    if edges.shape[0] != pairs or edges.shape[1] != EDGES:
        raise_for(WRONG_SHAPE)
    if flows.shape[0] != FLOWS or flows.shape[1] < pairs:
        raise_for(WRONG_SHAPE)
    if people.shape[0] != PEOPLE or people.shape[1] != n:
        raise_for(WRONG_SHAPE)
    if out.shape[0] != OUTS or out.shape[1] != n:
        raise_for(WRONG_SHAPE)
    raise_for(_check_tiles(bounds, places, weights, n, pairs, tile_bits))
    raise_for(check_tables(tables))
    if day < 0:
        raise_for(NEGATIVE_DAY)
    with nogil:
        status = _check_network(offsets, targets, reverse, standing, rows, near, threads)
    raise_for(status)
    clock = _clock_at(day, &tables[0], decay)
    with nogil:
        status = _passes(
            &fixed, offsets, targets, reverse, pair_totals, pair_periods, member_totals,
            member_periods, standing, &clock, uniform, rows, near, edges, flows, people, out,
            bounds, places, weights, tile_bits, threads,
        )
    raise_for(status)
