# Score model 1 as numbers: the only place where its constants live. Formulas name the sections of
# the score model they come from. Another model version is another set of these, never an edit.
#
# Every function here is exact: integers, or doubles with + - * / in the order written.

from libc.stdint cimport int32_t, int64_t

cdef extern from *:
    """
    #include <stdint.h>
    static const double DAMPING = 0.7;             /* 4.2: share of trust passed on in a pull */
    static const double TRUST_BUDGET = 10.0;       /* 4.1: what one member can hand out */
    static const double TRUST_GRACE = 0.1;         /* 4.1: halves the first word said */
    static const double DISTRUST_GRACE = 0.5;
    static const double GIVEN_IN_TRUST = 0.25;     /* 4.1: i risks own contacts on j */
    static const double TAKEN_IN_TRUST = 0.5;      /* 4.1: i received value from j */
    static const double ATTENDANCE_GRACE = 6.0;    /* 4.1: half a voice after six meetings */
    static const double GRATITUDE_BUDGET = 10.0;   /* 4.3: what one receiver can acknowledge */
    static const double VALUE_GRACE = 0.2;
    static const double LASTING_GRACE = 0.5;
    static const double JUNK_WEIGHT = 1.0;
    static const double CLIENT_GRACE = 0.5;
    static const double CLIENT_BUDGET = 8.0;       /* 4.3: an introducer's credibility */
    static const double UNKNOWN_VOICE = 0.25;      /* 4.3: a client nobody introduced */
    static const double BLAME_WEIGHT = 3.0;
    static const double DISTRUST_WEIGHT = 6.0;
    static const double NEWCOMER = 0.30;           /* 4.3: where everyone starts */
    static const double T_GRACE = 0.5, V_GRACE = 2.5, R_GRACE = 2.5, C_GRACE = 0.8, P_GRACE = 0.5;
    static const double ONE_PARTNER = 0.25;        /* 4.4: a partner counts once */
    static const double PAIR_GRACE = 0.25;
    static const double TAKER_ALLOWANCE = 2.0;     /* 4.5: may take twice what one gives */
    static const double TAKER_GRACE = 0.8, NEWCOMER_GIVES = 0.5;
    static const double NEGATIVE_GRACE = 0.5, NEGATIVE_CAP = 0.6, SIGNAL_GRACE = 0.5;
    static const double STEEP_FROM = 0.35, STEEP_TO = 0.75, STEEP_DEPTH = 0.9;
    static const double W_V = 0.20, W_T = 0.30, W_C = 0.25, W_R = 0.15, W_P = 0.10;

    /* What the kernel takes; weight * 2^31 and a total of 2^62 then fit into 63 bits. */
    static const int64_t CLOSED_VALUE_LIMIT = INT64_C(1000000000000);
    static const int64_t WEIGHT_LIMIT = INT64_C(1) << 30;
    static const int64_t TOTAL_LIMIT = INT64_C(1) << 62;

    /* Half-lives in days by field, in the order of the enums below. */
    static const int64_t PAIR_HALF_LIFE[9] = {180, 60, 720, 360, 360, 360, 180, 360, 180};
    static const int64_t MEMBER_HALF_LIFE[5] = {360, 360, 180, 180, 360};
    """
    const double DAMPING, TRUST_BUDGET, TRUST_GRACE, DISTRUST_GRACE
    const double GIVEN_IN_TRUST, TAKEN_IN_TRUST, ATTENDANCE_GRACE
    const double GRATITUDE_BUDGET, VALUE_GRACE, LASTING_GRACE, JUNK_WEIGHT
    const double CLIENT_GRACE, CLIENT_BUDGET, UNKNOWN_VOICE, BLAME_WEIGHT, DISTRUST_WEIGHT
    const double NEWCOMER, T_GRACE, V_GRACE, R_GRACE, C_GRACE, P_GRACE
    const double ONE_PARTNER, PAIR_GRACE, TAKER_ALLOWANCE, TAKER_GRACE, NEWCOMER_GIVES
    const double NEGATIVE_GRACE, NEGATIVE_CAP, SIGNAL_GRACE
    const double STEEP_FROM, STEEP_TO, STEEP_DEPTH
    const double W_V, W_T, W_C, W_R, W_P
    const int64_t CLOSED_VALUE_LIMIT, WEIGHT_LIMIT, TOTAL_LIMIT
    const int64_t[9] PAIR_HALF_LIFE
    const int64_t[5] MEMBER_HALF_LIFE


cdef enum:
    PULLS = 6                   # 4.2
    DECAY_ONE = 1 << 30         # 3.1: a table entry at age 0
    TABLE_SIZE = 1320           # the tables of 60, 180, 360 and 720 days, one after the other
    MILLI = 1000                # weights are in thousandths of one unit of evidence
    EMPTY = -1                  # period of an accumulator that nothing was ever folded into

    # Section 3: evidence weights in thousandths.
    ACCEPTED_VALUE = 400
    WON_VALUE = 100
    WON_CLIENT = 400
    CLOSED_VALUE_MAX = 500
    LOST_CLIENT = 200
    JUNK_BAD = 500
    RATING_MAX = 1000
    THREADS_LIMIT = 1024


cdef enum:  # PairField
    GV, RG, GL, GB, CP, CN, TP, TN, MT, PAIR_FIELDS


cdef enum:  # MemberField
    UNKNOWN_CP, UNKNOWN_CN, AT, WEL, SIG, MEMBER_FIELDS


cdef enum:  # EventKind
    JOIN, ATTENDANCE, MEETING, TESTIMONIAL, CLIENT
    ACCEPTED, WON, CLOSED, LOST, JUNK, SIGNAL, KINDS


cdef enum:  # Out
    # The arrays of a result in the order its digest hashes them (section 2).
    SCORE, RAW, OUT_V, OUT_T, OUT_C, OUT_R, OUT_P, GIVE, TAKE, BALANCE, BILATERAL
    OUT_D, OUT_N, OUT_O, OUT_F, OUT_X, OUT_XN, OUT_PRETRUST, OUTS


cdef inline double larger(double a, double b) noexcept nogil:
    return a if a > b else b


cdef inline double smaller(double a, double b) noexcept nogil:
    return a if a < b else b


cdef inline int64_t table_start(int64_t half_life) noexcept nogil:
    """Where the table of a half-life begins among all tables."""
    if half_life == 60:
        return 0
    if half_life == 180:
        return 60
    return 240 if half_life == 360 else 600


cdef inline void accumulate(
    int64_t *total, int32_t *period, int64_t day, int64_t weight, int64_t half_life,
    const int64_t *tables, bint decay,
) noexcept nogil:
    """3.1 fold: exact whatever the batch; a late event is cut to the period already reached."""
    cdef int64_t now = 0
    cdef int64_t age = 0
    if decay:
        now = day // half_life
        age = day - now * half_life
    cdef int64_t amount = weight * tables[table_start(half_life) + age]
    if period[0] == EMPTY:
        period[0] = <int32_t>now
    if now > period[0]:
        total[0] = total[0] >> (now - period[0]) if now - period[0] < 63 else 0
        period[0] = <int32_t>now
    elif now < period[0]:
        amount = amount >> (period[0] - now) if period[0] - now < 63 else 0
    total[0] += amount
    if total[0] > TOTAL_LIMIT:
        total[0] = TOTAL_LIMIT


cdef inline double mass_of(
    int64_t total, int32_t period, int64_t now, double scale
) noexcept nogil:
    """3.1 read: floor to the period of reading, then convert. `now` is at least `period`."""
    cdef int64_t shift = now - period
    return <double>(total >> shift if shift < 63 else 0) * scale


cdef inline double component(double good, double bad, double grace, double welcome) noexcept nogil:
    """4.3 comp."""
    return (good + (NEWCOMER * (grace * welcome))) / ((good + bad) + grace)
