"""Loops over stored facts: what commits to them, and the fields that a ledger row is made of.

Each has a slow twin that says what is right: `refnet.log.tree.commitment` for the first, and for
the second the decoder of `refnet.log.batches`, which also gets every fact that is not plain. A fact
is plain if its bytes are canonical and its texts are ASCII without escapes; most are, because
personal text is sealed outside of them. What this module reads of a fact, the slow twin reads too.
"""

from hashlib import sha256

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from ._canonical cimport *

cdef enum:
    SALT = 32
    COMMITMENT = 32
    ORIGINATOR = 16
    ROLES = 8

# --- commitments -----------------------------------------------------------------------------

cdef bytes COMMIT = b"refnet/commit/v1\n"


cdef inline char* put(char* at, const char* what, Py_ssize_t size) noexcept nogil:
    memcpy(at, what, size)
    return at + size


cdef inline char* put_number(char* at, uint64_t number, int size) noexcept nogil:
    """Big-endian."""
    cdef int place
    for place in range(size):
        at[place] = <char>(number >> (8 * (size - 1 - place)))
    return at + size


cdef inline int nibble(char letter) noexcept nogil:
    if c'0' <= letter <= c'9':
        return letter - c'0'
    return letter - c'a' + 10 if c'a' <= letter <= c'f' else -1


cdef bytes committed(str originator, int64_t version, str topic, bytes state, bytes salt):
    """What is hashed: see `refnet.log.tree.commitment`."""
    if originator is None or topic is None or state is None or salt is None:
        raise TypeError("no column of a fact is null")
    cdef Py_ssize_t digits_size, name_size
    cdef const char* digits = PyUnicode_AsUTF8AndSize(originator, &digits_size)
    cdef const char* name = PyUnicode_AsUTF8AndSize(topic, &name_size)
    cdef int place, high, low
    if digits_size != 2 * ORIGINATOR or len(salt) != SALT or version < 0:
        raise ValueError("an originator has 32 hex digits, a salt 32 bytes, no version is negative")
    cdef Py_ssize_t size = len(COMMIT) + SALT + 4 + ORIGINATOR + 8 + 4 + name_size + 4 + len(state)
    cdef bytes message = PyBytes_FromStringAndSize(NULL, size)
    cdef char* at = put(PyBytes_AS_STRING(message), COMMIT, len(COMMIT))
    at = put_number(put(at, salt, SALT), ORIGINATOR, 4)
    for place in range(ORIGINATOR):
        high, low = nibble(digits[2 * place]), nibble(digits[2 * place + 1])
        if high < 0 or low < 0:
            raise ValueError("an originator is written in lower-case hex digits")
        at[place] = <char>(high << 4 | low)
    at = put_number(at + ORIGINATOR, version, 8)
    at = put(put_number(at, name_size, 4), name, name_size)
    put(put_number(at, len(state), 4), state, len(state))
    return message


def parameters(Py_ssize_t after, facts, salts):
    """What an INSERT of facts behind a position is given: their seven columns, one after the other.

    facts: (originator as 32 lower-case hex digits, version, topic, state). salts: 32 bytes each.
    The last column is `refnet.log.tree.commitment`. Raises TypeError, ValueError or OverflowError
    for what can be no fact.
    """
    cdef list flat = []
    for (originator, version, topic, state), salt in zip(facts, salts, strict=True):
        after += 1
        digest = sha256(committed(originator, version, topic, state, salt)).digest()
        flat += (after, originator, version, topic, state, salt, digest)
    return flat


def first_uncommitted(rows):
    """The index of the first row that is not what its commitment says; -1 if there is none.

    rows: (position, originator, version, topic, state, salt, commitment), of any type: a flipped
    bit can turn a blob into text.
    """
    cdef Py_ssize_t index
    for index, (_, originator, version, topic, state, salt, commitment) in enumerate(rows):
        try:
            message = committed(originator, version, topic, state, salt)
        except (TypeError, ValueError, OverflowError):
            return index
        if sha256(message).digest() != commitment:
            return index
    return -1


# --- rows of the ledger ----------------------------------------------------------------------

cdef enum:
    GIVER
    RECEIVER
    CHAPTER
    CONTACT
    VALUE
    CODE
    REFERENCE
    DAY

ROLE_NAMES = ("giver", "receiver", "chapter", "contact", "value", "code", "reference", "day")
TIME_MAX = 253_402_214_400_000_000  # microseconds up to the year 9999: later has no calendar

cdef int64_t LATEST = TIME_MAX
cdef Text DATA, OCCUR_TIME, ORIGIN, RECORD_TIME


cdef Text text_of(bytes kept) noexcept:
    return Text(PyBytes_AS_STRING(kept), len(kept))


cdef tuple KEYS = (b"data", b"occur_time", b"origin", b"record_time")
DATA, OCCUR_TIME = text_of(KEYS[0]), text_of(KEYS[1])
ORIGIN, RECORD_TIME = text_of(KEYS[2]), text_of(KEYS[3])


@cython.auto_pickle(False)
cdef class Shape:
    """Which fields of a kind of fact its row is made of."""

    cdef uint8_t kind, effect
    cdef int count
    cdef Text[ROLES] keys
    cdef int[ROLES] roles
    cdef bint[ROLES] optional
    cdef dict codes
    cdef list kept

    def __init__(self, kind, effect, roles, optional, codes):
        """kind, effect: numbers. roles: by field, one of ROLE_NAMES, each of them once at most.

        optional: fields that may be null. codes: what the texts of the field "code" stand for.
        """
        self.kind, self.effect, self.codes = kind, effect, codes
        self.kept = [field.encode() for field in sorted(roles)]
        self.count = len(self.kept)
        for place, field in enumerate(sorted(roles)):
            self.keys[place] = text_of(self.kept[place])
            self.roles[place] = ROLE_NAMES.index(roles[field])
            self.optional[place] = field in optional


cdef struct Found:
    Text[4] ids
    Text code
    int64_t value, reference, occur, record, origin
    int32_t day


cdef const char* read_field(const char* at, int role, bint optional, Found* found) noexcept nogil:
    cdef Text text
    if at[0] == c'n':
        return skip_word(at) if optional and role <= CONTACT else NULL
    if role == VALUE:
        return read_integer(at, &found.value)
    if role == REFERENCE:
        return read_integer(at, &found.reference)
    if role == CODE:
        return read_text(at, &found.code)
    if role == DAY:
        at = read_text(at, &text)
        return at if at != NULL and read_day(&text, &found.day) else NULL
    return read_text(at, &found.ids[role])


cdef const char* read_data(const char* at, Shape shape, Found* found) noexcept:
    """The object of a fact's own fields; NULL if it lacks one that the row needs."""
    cdef Text key, before = Text(NULL, 0)
    cdef int place = 0
    if at[0] != c'{':
        return NULL
    if at[1] == c'}':
        return at + 2 if shape.count == 0 else NULL
    while True:
        at = read_key(at + 1, &key)
        if at == NULL or (before.start != NULL and not is_before(&before, &key)):
            return NULL
        before = key
        if place < shape.count and is_same(&key, &shape.keys[place]):
            at = read_field(at, shape.roles[place], shape.optional[place], found)
            place += 1
        else:
            at = skip_value(at)
        if at == NULL:
            return NULL
        if at[0] == c'}':
            return at + 1 if place == shape.count else NULL
        if at[0] != c',':
            return NULL


cdef bint read_state(bytes state, Shape shape, Found* found) noexcept:
    """Fill `found` from a stored state; False if it is not plain, or lacks something.

    What the shape names no field for keeps its value.
    """
    cdef const char* at = PyBytes_AS_STRING(state)
    cdef const char* end = at + len(state)
    cdef Text key, before = Text(NULL, 0)
    cdef int seen = 0
    found.ids[GIVER] = found.ids[RECEIVER] = found.ids[CHAPTER] = before
    found.ids[CONTACT] = found.code = before
    if at[0] != c'{':
        return False
    while True:
        at = read_key(at + 1, &key)
        if at == NULL or (before.start != NULL and not is_before(&before, &key)):
            return False
        before = key
        seen += 1
        if is_same(&key, &DATA):
            at = read_data(at, shape, found)
        elif is_same(&key, &OCCUR_TIME):
            at = read_integer(at, &found.occur)
        elif is_same(&key, &ORIGIN):
            at = read_integer(at, &found.origin)
        elif is_same(&key, &RECORD_TIME):
            at = read_integer(at, &found.record)
        else:
            at = skip_value(at)
            seen -= 1
        if at == NULL:
            return False
        if at[0] == c'}':
            break
        if at[0] != c',':
            return False
    if not (0 <= found.occur <= LATEST and 0 <= found.record <= LATEST):
        return False
    return seen == 4 and at + 1 == end and 0 <= found.origin <= LATEST


cdef inline object text_or_none(const Text* text):
    if text.start == NULL:
        return None
    return PyUnicode_DecodeASCII(text.start, text.size, NULL)


@cython.boundscheck(True)  # a row is what its caller says it is
@cython.wraparound(True)
def read_rows(dict shapes, list rows, Py_ssize_t topic, batch):
    """Fill a batch from rows whose facts are plain; the indices of those left alone.

    shapes: by topic. rows: tuples with the topic at index `topic`, the state behind it, and the
    commitment at their end.
    batch: a new `refnet.ledger.extract.FactBatch` of as many rows.
    """
    cdef uint8_t[::1] kinds = batch.kinds, effects = batch.effects
    cdef int64_t[::1] values = batch.values, references = batch.references
    cdef int64_t[::1] occur = batch.occur, record = batch.record, origins = batch.origins
    cdef int32_t[::1] days = batch.days
    cdef list givers = batch.givers, receivers = batch.receivers, chapters = batch.chapters
    cdef list named = batch.named, left = []
    cdef Py_ssize_t index
    cdef Shape shape
    cdef Found found
    if not len(rows) == len(kinds) == len(givers) == len(receivers) == len(chapters):
        raise ValueError("a batch must have as many rows as it is filled from")
    for index in range(len(rows)):
        row = <tuple?>rows[index]
        shape = shapes.get(row[topic])
        state = row[topic + 1]
        found.value, found.reference, found.day = values[index], references[index], days[index]
        commitment = row[-1]
        if (
            shape is None
            or type(state) is not bytes
            or type(commitment) is not bytes
            or len(<bytes>commitment) != COMMITMENT
            or not read_state(state, shape, &found)
        ):
            left.append(index)
            continue
        if found.code.start != NULL:
            value = shape.codes.get(text_or_none(&found.code))
            if value is None:
                left.append(index)
                continue
            found.value = value
        kinds[index], effects[index] = shape.kind, shape.effect
        givers[index] = text_or_none(&found.ids[GIVER])
        receivers[index] = text_or_none(&found.ids[RECEIVER])
        chapters[index] = text_or_none(&found.ids[CHAPTER])
        if found.ids[CONTACT].start != NULL:
            named.append((index, text_or_none(&found.ids[CONTACT])))
        values[index], references[index], days[index] = found.value, found.reference, found.day
        occur[index], record[index], origins[index] = found.occur, found.record, found.origin
    return left
