# Reads canonical JSON by pointer, so far as most facts need it.
#
# Every function takes the place of a value and returns the place after it, or NULL where the bytes
# are anything but the plain case: then the slow path decides what they are. Plain is ASCII without
# escapes, integers of at most 18 digits, and objects of such values.
#
# There are no bounds checks, because bytes objects end with a NUL that their length does not count,
# and no plain value holds one: every loop stops there at the latest.

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcmp, strncmp

cdef enum:
    DIGITS_MAX = 18  # more may not fit an int64
    DATE_SIZE = 10  # 2026-11-26
    EPOCH = 719468  # days from 1 March of the year 0 to 1 January 1970


cdef struct Text:
    const char* start
    Py_ssize_t size


cdef inline bint is_digit(char letter) noexcept nogil:
    return c'0' <= letter <= c'9'


cdef inline const char* read_text(const char* at, Text* found) noexcept nogil:
    """A text between quotes; `found` is what stands between them."""
    if at[0] != c'"':
        return NULL
    at += 1
    found.start = at
    while at[0] != c'"':
        if at[0] < 32 or at[0] > 126 or at[0] == c'\\':  # char may be signed: above 127 is below 32
            return NULL
        at += 1
    found.size = at - found.start
    return at + 1


cdef inline const char* read_integer(const char* at, int64_t* found) noexcept nogil:
    cdef bint negative = at[0] == c'-'
    cdef int64_t number = 0
    cdef const char* first = at + negative
    at = first
    while is_digit(at[0]):
        if at - first == DIGITS_MAX:
            return NULL
        number = 10 * number + (at[0] - c'0')
        at += 1
    if at == first or (first[0] == c'0' and (negative or at - first > 1)):
        return NULL
    found[0] = -number if negative else number
    return at


cdef inline const char* skip_word(const char* at) noexcept nogil:
    if strncmp(at, b"null", 4) == 0 or strncmp(at, b"true", 4) == 0:
        return at + 4
    return at + 5 if strncmp(at, b"false", 5) == 0 else NULL


cdef inline const char* skip_scalar(const char* at) noexcept nogil:
    cdef Text text
    cdef int64_t number
    if at[0] == c'"':
        return read_text(at, &text)
    if at[0] == c'-' or is_digit(at[0]):
        return read_integer(at, &number)
    return skip_word(at)


cdef inline const char* read_key(const char* at, Text* key) noexcept nogil:
    at = read_text(at, key)
    return at + 1 if at != NULL and at[0] == c':' else NULL


cdef inline const char* skip_value(const char* at) noexcept nogil:
    """A scalar, or an object of scalars: what a sealed field leaves in a fact is one."""
    cdef Text key
    if at[0] != c'{':
        return skip_scalar(at)
    while True:
        at = read_key(at + 1, &key)
        if at != NULL:
            at = skip_scalar(at)
        if at == NULL:
            return NULL
        if at[0] == c'}':
            return at + 1
        if at[0] != c',':
            return NULL


cdef inline bint is_same(const Text* text, const Text* other) noexcept nogil:
    return text.size == other.size and memcmp(text.start, other.start, text.size) == 0


cdef inline bint is_before(const Text* text, const Text* other) noexcept nogil:
    """Whether `text` comes before `other` in the order of keys."""
    cdef Py_ssize_t shorter = min(text.size, other.size)
    cdef int order = memcmp(text.start, other.start, shorter)
    return order < 0 or (order == 0 and text.size < other.size)


cdef inline bint read_day(const Text* date, int32_t* found) noexcept nogil:
    """Days since 1970 of a date such as 2026-11-26; False if it is none.

    Counts from March, so that the day a leap year adds is the last one of its year: Howard
    Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    """
    cdef int64_t year, month, day
    cdef int64_t leap, shifted, of_year
    if date.size != DATE_SIZE:
        return False
    for place in range(DATE_SIZE):
        if not (date.start[place] == c'-' if place in (4, 7) else is_digit(date.start[place])):
            return False
    year = number_of(date.start, 4)
    month = number_of(date.start + 5, 2)
    day = number_of(date.start + 8, 2)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or not 1 <= month <= 12 or day < 1:
        return False
    if day > (28 + leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31):
        return False
    shifted = year - (month <= 2)
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    found[0] = <int32_t>(
        365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + of_year - EPOCH
    )
    return True


cdef inline int64_t number_of(const char* digits, int count) noexcept nogil:
    cdef int64_t number = 0
    for place in range(count):
        number = 10 * number + (digits[place] - c'0')
    return number
