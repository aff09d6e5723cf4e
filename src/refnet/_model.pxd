# The versions of the score model as numbers: the only place where constants live. Formulas name the
# sections of the score model they come from; docs/design/model-2.md tells what version 2 changes.
# Another version is another row of MODELS, never an edit: what was published stays computable.
#
# Every function here is exact: integers, or doubles with + - * / in the order written.

from libc.stdint cimport int32_t, int64_t

cdef extern from *:
    """
    #include <stdint.h>
    typedef struct {
        double damping;          /* 4.2: share of trust passed on in a pull */
        double trust_budget;     /* 4.1: what one member can hand out */
        double trust_grace;      /* 4.1: halves the first word said */
        double distrust_grace;
        double given_in_trust;   /* 4.1: i risks own contacts on j */
        double taken_in_trust;   /* 4.1: i received value from j */
        double attendance_grace; /* 4.1: half a voice after six meetings */
        double gratitude_budget; /* 4.3: what one receiver can acknowledge */
        double value_grace, lasting_grace;
        double junk_weight;
        double client_grace;     /* 4.3: halves an introducer's first client; 0: capped instead */
        double client_cap;       /* what one introducer's clients can weigh, if not client_grace */
        double client_budget;    /* 4.3: an introducer's credibility */
        double unknown_voice;    /* 4.3: a client nobody introduced */
        double blame_weight, distrust_weight;
        double newcomer;         /* 4.3: where everyone starts */
        double t_grace, v_grace, r_grace, c_grace, p_grace;
        double newcomer_slack;   /* how much less grace of V, T, R weighs while welcome is full */
        double one_partner;      /* 4.4: a partner counts once */
        double taker_allowance;  /* 4.5: may take so many times what one gives */
        double taker_grace, newcomer_gives;
        double negative_grace, negative_cap, signal_grace;
        double steep_from, steep_to, steep_depth;
        double w_v, w_t, w_c, w_r, w_p;
    } Model;

    static const Model MODELS[2] = {
        {
            .damping = 0.7, .trust_budget = 10.0, .trust_grace = 0.1, .distrust_grace = 0.5,
            .given_in_trust = 0.25, .taken_in_trust = 0.5, .attendance_grace = 6.0,
            .gratitude_budget = 10.0, .value_grace = 0.2, .lasting_grace = 0.5, .junk_weight = 1.0,
            .client_grace = 0.5, .client_cap = 0.0, .client_budget = 8.0, .unknown_voice = 0.25,
            .blame_weight = 3.0, .distrust_weight = 6.0, .newcomer = 0.30,
            .t_grace = 0.5, .v_grace = 2.5, .r_grace = 2.5, .c_grace = 0.8, .p_grace = 0.5,
            .newcomer_slack = 0.0, .one_partner = 0.25,
            .taker_allowance = 2.0, .taker_grace = 0.8, .newcomer_gives = 0.5,
            .negative_grace = 0.5, .negative_cap = 0.6, .signal_grace = 0.5,
            .steep_from = 0.35, .steep_to = 0.75, .steep_depth = 0.9,
            .w_v = 0.20, .w_t = 0.30, .w_c = 0.25, .w_r = 0.15, .w_p = 0.10,
        },
        {
            .damping = 0.7, .trust_budget = 10.0, .trust_grace = 0.1, .distrust_grace = 0.5,
            .given_in_trust = 0.25, .taken_in_trust = 0.5, .attendance_grace = 6.0,
            .gratitude_budget = 10.0, .value_grace = 0.2, .lasting_grace = 0.5, .junk_weight = 1.0,
            .client_grace = 0.0, .client_cap = 0.8, .client_budget = 4.0, .unknown_voice = 0.25,
            .blame_weight = 4.0, .distrust_weight = 12.0, .newcomer = 0.30,
            .t_grace = 0.3, .v_grace = 1.25, .r_grace = 1.25, .c_grace = 1.0, .p_grace = 0.5,
            .newcomer_slack = 0.75, .one_partner = 0.25,
            .taker_allowance = 1.5, .taker_grace = 1.5, .newcomer_gives = 0.1,
            .negative_grace = 0.5, .negative_cap = 0.6, .signal_grace = 0.5,
            .steep_from = 0.35, .steep_to = 0.75, .steep_depth = 0.9,
            .w_v = 0.40, .w_t = 0.15, .w_c = 0.25, .w_r = 0.15, .w_p = 0.05,
        },
    };

    static const double PAIR_GRACE = 0.25;         /* 4.4: reported, no part of a score */

    /* What the kernel takes; weight * 2^31 and a total of 2^62 then fit into 63 bits. */
    static const int64_t CLOSED_VALUE_LIMIT = INT64_C(1000000000000);
    static const int64_t WEIGHT_LIMIT = INT64_C(1) << 30;
    static const int64_t TOTAL_LIMIT = INT64_C(1) << 62;

    /* Half-lives in days by field, in the order of the enums below. */
    static const int64_t PAIR_HALF_LIFE[9] = {180, 60, 720, 360, 360, 360, 180, 360, 180};
    static const int64_t MEMBER_HALF_LIFE[5] = {360, 360, 180, 180, 360};
    """
    ctypedef struct Model:
        double damping, trust_budget, trust_grace, distrust_grace
        double given_in_trust, taken_in_trust, attendance_grace
        double gratitude_budget, value_grace, lasting_grace, junk_weight
        double client_grace, client_cap, client_budget, unknown_voice
        double blame_weight, distrust_weight, newcomer
        double t_grace, v_grace, r_grace, c_grace, p_grace, newcomer_slack
        double one_partner, taker_allowance, taker_grace, newcomer_gives
        double negative_grace, negative_cap, signal_grace
        double steep_from, steep_to, steep_depth
        double w_v, w_t, w_c, w_r, w_p
    const Model[2] MODELS
    const double PAIR_GRACE
    const int64_t CLOSED_VALUE_LIMIT, WEIGHT_LIMIT, TOTAL_LIMIT
    const int64_t[9] PAIR_HALF_LIFE
    const int64_t[5] MEMBER_HALF_LIFE


cdef enum:
    MODEL_COUNT = 2
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


cdef inline double component(
    const Model *model, double good, double bad, double grace, double welcome
) noexcept nogil:
    """4.3 comp."""
    return (good + (model.newcomer * (grace * welcome))) / ((good + bad) + grace)


cdef inline double eased(const Model *model, double grace, double welcome) noexcept nogil:
    """Grace for one who could not have gathered more yet; all of it once welcome has faded."""
    return grace * (1.0 - model.newcomer_slack * welcome)


cdef inline double clients_weigh(const Model *model, double praised, double blamed) noexcept nogil:
    """4.3: what an introducer's clients are divided by, so that many count little more than few."""
    if model.client_grace > 0.0:
        return (praised + blamed) + model.client_grace
    return larger(1.0, (praised + blamed) / model.client_cap)
