# The pulls of score-model 4.2, in tiles. A pull adds up, for every member, trust times what its
# source holds. In a network of hundreds of thousands what is held does not fit a cache near the
# processor, and a walk over rows waits for most of it. So members are cut into blocks of
# 2^bits, and the pairs of one block of sources with one block of targets, a tile, lie together:
# what a tile reads and what it adds to both stay near.
#
# No bit depends on it. Within a tile pairs stand in the order of sources, and the tiles of a block
# of targets are worked through in the order of sources too: each sum adds what it would have added
# along its row. Only pairs with a C of 0 are left out: 0 times what is held changes no sum as long
# as that is finite, and with a model's own constants it always is.

from libc.stdint cimport int32_t, int64_t, uint32_t

from ._model cimport *


cdef enum:
    # 128 KiB of what is held and as much of what is added up, for a second-level cache of 512 KiB.
    TILE_BITS_USED = 14
    # The upper half of a place is the source's number within its block, the lower the target's.
    TILE_BITS_LIMIT = 16
    WITHIN_BLOCK = (1 << TILE_BITS_LIMIT) - 1


cdef enum:  # Bound
    # Where the pairs of a tile lie; between the last and the next tile may be room.
    TILE_START, TILE_END, TILE_BOUNDS


cdef inline Py_ssize_t blocks_of(Py_ssize_t members, int bits) noexcept nogil:
    return (members + (<Py_ssize_t>1 << bits) - 1) >> bits


cdef inline Py_ssize_t block_end(Py_ssize_t block, Py_ssize_t members, int bits) noexcept nogil:
    cdef Py_ssize_t end = (block + 1) << bits
    return end if end < members else members


cdef inline void lay_out(
    Py_ssize_t block, int bits, const int64_t[::1] offsets, const int32_t[::1] targets,
    const double[::1] trust,
    int64_t[:, :, ::1] bounds, uint32_t[::1] places, double[::1] weights,
) noexcept nogil:
    """Sort the pairs of a block of sources into its tiles, which together lie at the same slots.

    Each tile gets as much room as there are pairs for it, with C of 0 or without, so that a pair
    may be written first and kept or not afterwards: no branch has to guess which.
    """
    cdef Py_ssize_t members = offsets.shape[0] - 1, first = block << bits
    cdef Py_ssize_t past = block_end(block, members, bits)
    cdef Py_ssize_t i, s, other, room
    cdef int64_t at = offsets[first], to
    for other in range(bounds.shape[2]):
        bounds[block, TILE_START, other] = 0
    for s in range(offsets[first], offsets[past]):
        bounds[block, TILE_START, targets[s] >> bits] += 1
    for other in range(bounds.shape[2]):
        room = bounds[block, TILE_START, other]
        bounds[block, TILE_START, other] = at
        bounds[block, TILE_END, other] = at
        at = at + room
    for i in range(first, past):
        for s in range(offsets[i], offsets[i + 1]):
            other = targets[s] >> bits
            to = bounds[block, TILE_END, other]
            places[to] = <uint32_t>((i - first) << TILE_BITS_LIMIT | (targets[s] - (other << bits)))
            weights[to] = trust[s]
            bounds[block, TILE_END, other] = to + (trust[s] != 0.0)


cdef inline void pull(
    const Model *model, Py_ssize_t block, int bits,
    const int64_t[:, :, ::1] bounds, const uint32_t[::1] places, const double[::1] weights,
    const double[::1] pretrust, const double[::1] before, double[::1] after,
) noexcept nogil:
    """4.2: one pull of trust over the edges into a block of targets."""
    cdef Py_ssize_t first = block << bits, past = block_end(block, pretrust.shape[0], bits)
    cdef Py_ssize_t i, j, at, source
    for j in range(first, past):
        after[j] = 0.0
    for source in range(bounds.shape[0]):
        for at in range(bounds[source, TILE_START, block], bounds[source, TILE_END, block]):
            i = (source << bits) + (places[at] >> TILE_BITS_LIMIT)
            j = first + (places[at] & WITHIN_BLOCK)
            after[j] = after[j] + weights[at] * before[i]
    for j in range(first, past):
        after[j] = pretrust[j] + model.damping * after[j]
