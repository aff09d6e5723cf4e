"""Mutants that change no number, by name, each with the reason: they need not be caught."""

from __future__ import annotations

_ACCUMULATE = "_model.pxd: accumulate: "
_EMPTY = "return np.zeros((rows, columns), np.int64), np.full((rows, columns), {}, np.int32)"
_COST = "how positions are numbered changes time, not numbers"
_SHIFTED = "{0} = {0} >> ({1}) if {1} {2} else 0"


def _shift(what: str, by: str, limit: str) -> str:
    return (
        _ACCUMULATE + _SHIFTED.format(what, by, "< 63") + " -> " + _SHIFTED.format(what, by, limit)
    )


EQUIVALENT: dict[str, str] = {
    "_model.pxd: .client_grace = 0.5, .client_cap = 0.0, .client_budget = 8.0,"
    " .unknown_voice = 0.25, -> .client_grace = 0.5, .client_cap = 0.01, .client_budget = 8.0,"
    " .unknown_voice = 0.25,": "model 1 has client_grace, and never reads the cap",
    "_model.pxd: PULLS = 6 -> PULLS = 7": "pulls go two at a time, and 7 // 2 is 3 too",
    "_model.pxd: EMPTY = -1 -> EMPTY = -2": "an empty accumulator is 0 at -1, before any day",
    "_model.pxd: larger: return a if a > b else b -> return a if a >= b else b": "a equals b",
    "_model.pxd: smaller: return a if a < b else b -> return a if a <= b else b": "a equals b",
    "_model.pxd: clients_weigh: if model.client_grace > 0.0: -> if model.client_grace > 0.01:": (
        "the grace of a model is 0 or .5"
    ),
    f"{_ACCUMULATE}cdef int64_t age = 0 -> cdef int64_t age = 1": (
        "without decay all entries of a table are the same"
    ),
    f"{_ACCUMULATE}if now > period[0]: -> if now >= period[0]:": "a shift by 0",
    f"{_ACCUMULATE}elif now < period[0]: -> elif now <= period[0]:": "a shift by 0",
    f"{_ACCUMULATE}if total[0] > TOTAL_LIMIT: -> if total[0] >= TOTAL_LIMIT:": (
        "the limit itself becomes the limit"
    ),
    _shift("total[0]", "now - period[0]", "< 64"): "a total below 2^63 shifted by 63 is 0",
    _shift("amount", "period[0] - now", "<= 63"): "an amount below 2^63 shifted by 63 is 0",
    "_passes.pxd: read_clock: cdef int64_t age = day - now[0] * half_life if decay else 0"
    " -> cdef int64_t age = day - now[0] * half_life if decay else 1": (
        "without decay all entries of a table are the same"
    ),
    "_passes.pxd: arrive: return 1 -> return 2": "any number but 0 says so",
    "_passes.pxd: read_row: return 1 -> return 2": "any number but 0 says so",
    "_tiles.pxd: TILE_BITS_USED = 14 -> TILE_BITS_USED = 15": "no bit depends on how tiles are cut",
    "_tiles.pxd: block_end: return end if end < members else members"
    " -> return end if end <= members else members": "end equals members",
    f"accumulators.py: _empty: {_EMPTY.format(-1)} -> {_EMPTY.format(-2)}": (
        "an empty accumulator is 0 at -1, before any day"
    ),
    "_scoring.pyx: make_room: if end and &new[row, 0] != &old[row, 0]:"
    " -> if end or &new[row, 0] != &old[row, 0]:": "bytes copied onto themselves, or none",
    "_scoring.pyx: make_room: if end and &new[row, 0] != &old[row, 0]: -> if end :": (
        "bytes copied onto themselves"
    ),
    "_scoring.pyx: make_room: if end and &new[row, 0] != &old[row, 0]:"
    " -> if end and &new[row, 1] != &old[row, 0]:": "bytes copied onto themselves",
    **{
        f"_scoring.pyx: _passes: {line} -> {line.replace('+=', '-=')}": (
            "all that is asked is whether it is 0"
        )
        for line in (
            (
                "early += arrive(model, near[i], member_totals, member_periods, standing, clock,"
                " uniform, people, out)"
            ),
            (
                "early += read_row(model, rows[i], offsets, pair_totals, pair_periods, clock,"
                " edges, people, out)"
            ),
        )
    },
    "evidence.py: _SPARSE = 16 -> _SPARSE = 17": _COST,
    "evidence.py: _numbered: if _SPARSE * len(positions) > last: -> if _SPARSE > last:": _COST,
    "evidence.py: _numbered: return columns, last + 1 -> return columns, last + 2": (
        "room for a position that is not there"
    ),
    "evidence.py: _numbered: names = np.unique(np.concatenate([[0], *columns]))"
    " -> names = np.unique(np.concatenate([[1], *columns]))": (
        "0 stands for none, and is among the others wherever it matters"
    ),
    **{
        f"evidence.py: {where}: wanted = np.zeros(count + 1, bool)"
        " -> wanted = np.zeros(count + 2, bool)": "the last is still nobody"
        for where in ("rows_about", "rows_on")
    },
    "evidence.py: rows_on: wanted = np.zeros(count + 1, bool) -> wanted = np.zeros(count , bool)": (
        "what nobody gives or receives is no row between two"
    ),
    "evidence.py: _numbered: last = max(int(column.max(initial=0)) for column in columns)"
    " -> last = max(int(column.max(initial=1)) for column in columns)": _COST,
    "evidence.py: _pair_keys: keys: NDArray[np.int64] = (low << 32) | high"
    " -> keys: NDArray[np.int64] = (low << 33) | high": "any number for each pair will do",
    "evidence.py: _attendance: self._emit(rows[weight > 0], Kind.ATTENDANCE, weight[weight > 0])"
    " -> self._emit(rows[weight > 1], Kind.ATTENDANCE, weight[weight > 0])": (
        "weights are 0, 500 and 1000"
    ),
    "evidence.py: _clients: closed = np.where(referral > 0,"
    " self._first(Effect.CLOSED)[referral], _NEVER)"
    " -> closed = np.where(referral >= 0, self._first(Effect.CLOSED)[referral], _NEVER)": (
        "no business is closed at position 0"
    ),
    "evidence.py: __init__: self._level = np.empty(0, np.int64)"
    " -> self._level = np.empty(1, np.int64)": "chapter 0 opens before anybody has a home",
    "evidence.py: _grown: return np.concatenate([table, np.zeros(more, table.dtype)])"
    " if more > 0 else table -> return np.concatenate([table, np.zeros(more, table.dtype)])"
    " if more >= 0 else table": "nothing appended",
    "accumulators.py: grow: if n <= self.n: -> if n < self.n:": "a copy of the same",
    **{
        f"accumulators.py: {line.format(-1)} -> {line.split(': ', 1)[1].format(-2)}": (
            "numpy takes any negative length for the unknown one"
        )
        for line in (
            "reset: chosen = np.asarray(members, np.int64).reshape({})",
            "_ends: rows = np.asarray(pairs, np.int64).reshape({}, 2)",
        )
    },
    "accumulators.py: reset: self.pair_totals[:, slots], self.pair_periods[:, slots] = 0, -1"
    " -> self.pair_totals[:, slots], self.pair_periods[:, slots] = 0, -2": (
        "an empty accumulator is 0 at -1, before any day"
    ),
    "accumulators.py: _slots_of_events: reverse = _keys(pairs & 0xFFFFFFFF, pairs >> 32)"
    " -> reverse = _keys(pairs , pairs >> 32)": "the upper half is shifted out",
    "accumulators.py: _slots_of_events: self._include(both[np.diff(both, prepend=-1) != 0])"
    " -> self._include(both[np.diff(both, prepend=-2) != 0])": "keys are not negative",
    "accumulators.py: _include: if len(new) == 0: -> if len(new) == 1:": (
        "pairs come both ways, never one at a time; adding none is a copy"
    ),
}
