"""Mutants that change no number, by name, each with the reason: they need not be caught."""

from __future__ import annotations

_ACCUMULATE = "_model.pxd: accumulate: "
_EMPTY = "return np.zeros((rows, columns), np.int64), np.full((rows, columns), {}, np.int32)"
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
    "_passes.pxd: gathered: while s < end and s < told: -> while s < end :": (
        "how far to look ahead is no part of a sum"
    ),
    "_passes.pxd: gathered: expect(&held[sources[s + AHEAD]])"
    " -> expect(&held[sources[s - AHEAD]])": "where to look ahead is no part of a sum",
    "_passes.pxd: gathered: expect(&held[sources[s + AHEAD]]) -> expect(&held[sources[s]])": (
        "where to look ahead is no part of a sum"
    ),
    f"accumulators.py: _empty: {_EMPTY.format(-1)} -> {_EMPTY.format(-2)}": (
        "an empty accumulator is 0 at -1, before any day"
    ),
}
