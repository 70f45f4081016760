/* The protocol that carries every promise of Rollcall, for Spin: positions, chunks, segments, one lane.
 *
 * Two instances, each with a worker and a relay; three records in two partitions, all of one batch of three
 * slots; one lane. Every process may stall anywhere for as long as it likes (that is what interleaving means),
 * so each of them may be a zombie. Besides, FAULTS times in all: a worker or relay crashes anywhere, the
 * server ends a session, the answer to a commit is lost (of PostgreSQL or of Kafka).
 *
 * Who owns a partition is left out on purpose: both workers always believe that they own both.
 *
 * A macro of the first block takes one guard away; then the checker must find a counterexample (see check.py).
 *   NO_COMPARE_AND_SET     positions are set without looking at the expected offset
 *   SPLIT_EFFECT_FIRST     effect and position in two transactions, effect first
 *   SPLIT_POSITION_FIRST   the same, position first
 *   UNLOCKED_COUNT         the batch's counter is read without holding its row
 *   EARLY_ID               a segment's id is drawn before the batch's row is locked
 *   NO_FENCE               initialising a producer does not fence the former owner
 *   FENCE_AFTER_READING    the lane's position is read before the producer is initialised
 *   POSITION_APART         the lane's position is committed after the Kafka transaction, not in it
 *   FORGET_FIRST           segments are deleted before the Kafka transaction commits
 *   TRUST_SILENCE          a lost answer to a Kafka commit is taken for a failure, and the segments sent again
 * NO_LANE_LOCK (advisory locks ignored) is no guard: the model must hold without them.
 * LIVE checks that every run comes to rest, instead of the assertions. */

#ifndef FAULTS
#define FAULTS 2
#endif

#define NOBODY 255
#define ALL 7    /* records as bits: 0 and 1 in partition 0, 2 in partition 1 */
#define ROWS 4   /* more than there can be at a time */

/* PostgreSQL */
byte position[2];
byte position_lock[2] = NOBODY;
byte batch_lock = NOBODY;
byte open_count = 3;
byte effects;             /* records that took effect */
bool completed;
/* Segments in order of id; a row's index changes when one before it goes, its place in the order does not. */
byte drawn_by[ROWS] = NOBODY;   /* whose open transaction has drawn the id and not committed */
byte segment[ROWS];       /* the records whose events the row holds; 0: not committed, or no row */
bool completes[ROWS];     /* it holds the completion, too */
byte seq[ROWS];           /* 0: not numbered yet */
byte rows;
byte last_seq;
byte lane_lock = NOBODY;

/* Kafka */
bool may_commit[2];       /* the instance's producer has not been fenced */
byte lane_position;
byte published;           /* records whose events are committed */
bool announced;

byte faults = FAULTS;
byte workers_ended, relays_ended;

#define all_handled (position[0] == 2 && position[1] == 1)
#define no_segments (segment[0] + segment[1] + segment[2] + segment[3] == 0)
#define fault faults > 0 -> faults--

inline draw_id() {
    assert(rows < ROWS);
    drawn_by[rows] = me;
    rows++
}

inline delete_row(i) {
    j = i;
    do
    :: j + 1 < ROWS ->
        drawn_by[j] = drawn_by[j + 1]; segment[j] = segment[j + 1];
        completes[j] = completes[j + 1]; seq[j] = seq[j + 1];
        j++
    :: else -> break
    od;
    drawn_by[ROWS - 1] = NOBODY; segment[ROWS - 1] = 0; completes[ROWS - 1] = false; seq[ROWS - 1] = 0;
    j = 0; rows--
}

inline find_own_row() {
    n = 0;
    do
    :: n < ROWS && drawn_by[n] != me -> n++
    :: else -> break
    od
}

inline roll_back() {
    find_own_row();
    if :: n < ROWS -> delete_row(n) :: else fi;
    release()
}

inline release() {
    n = 0;
    if :: position_lock[p] == me -> position_lock[p] = NOBODY :: else fi;
    if :: batch_lock == me -> batch_lock = NOBODY :: else fi
}

inline set_position() {
    assert(position[p] == from);            /* no zombie commits; positions never move back */
    position[p] = to
}

inline take_effect() {
    assert((effects & records) == 0);       /* each record takes effect once */
    effects = effects | records;
    open_count = left;
    assert(!(left == 0 && completed));      /* one completion */
    completed = completed || left == 0;
    find_own_row();
    segment[n] = records;
    completes[n] = (left == 0);
    drawn_by[n] = NOBODY
}

proctype Worker(byte me) {
    byte p, from, to, records, left, n, j;
read:
    atomic {
        p = 0; from = 0; to = 0; records = 0; left = 0;
        if
        :: all_handled -> workers_ended++; goto end
        :: position[0] < 2 -> from = position[0]; to = from + 1; records = 1 << from
        :: position[0] == 0 -> to = 2; records = 3
        :: position[1] == 0 -> p = 1; to = 1; records = 4
        fi
    }
begin:
    atomic {
        position_lock[p] == NOBODY;
#ifdef NO_COMPARE_AND_SET
        position_lock[p] = me;
#else
        if
        :: position[p] == from -> position_lock[p] = me
        :: else -> goto read
        fi;
#endif
#ifdef EARLY_ID
        draw_id()
#endif
    }
    atomic {
        if
        :: fault; roll_back(); goto read
#ifdef UNLOCKED_COUNT
        :: true ->
#else
        :: batch_lock == NOBODY -> batch_lock = me;
#endif
            left = open_count - (to - from);
#ifndef EARLY_ID
            draw_id()
#endif
        fi
    }
#ifdef SPLIT_EFFECT_FIRST
    atomic { take_effect() }
    atomic { if :: fault; roll_back(); goto read :: true fi }
#endif
#ifdef SPLIT_POSITION_FIRST
    atomic { set_position() }
    atomic { if :: fault; roll_back(); goto read :: true fi }
#endif
    atomic {
        if
        :: fault; roll_back(); goto read
        :: true ->
#ifndef SPLIT_EFFECT_FIRST
            take_effect();
#endif
#ifndef SPLIT_POSITION_FIRST
            set_position();
#endif
            release(); left = 0
        fi;
        if
        :: goto read
        :: fault; goto begin        /* the answer was lost: the same chunk once more */
        fi
    }
end: skip
}

inline lose_lane() {
    if :: lane_lock == me -> lane_lock = NOBODY :: else fi;
    may_commit[me] = false;         /* this producer is closed; the next one is initialised anew */
    at = 0; upto = 0; sent = 0; last = false
}

inline fence() {
    may_commit[me] = true;
#ifndef NO_FENCE
    may_commit[1 - me] = false
#endif
}

/* Forget what is published, number what is new in order of id, and choose what to publish next. */
inline take_next() {
    n = 0;
    do
    :: n < rows && segment[n] != 0 && seq[n] != 0 && seq[n] <= at -> delete_row(n)
    :: n < rows && segment[n] != 0 && seq[n] == 0 -> last_seq++; seq[n] = last_seq; n++
    :: n < rows && (segment[n] == 0 || seq[n] > at) -> n++
    :: else -> break
    od;
    n = 0
}

inline collect() {
    n = 0; sent = 0; last = false;
    do
    :: n < rows && segment[n] != 0 && seq[n] > at && seq[n] <= upto ->
        sent = sent | segment[n]; last = last || completes[n];
#ifdef FORGET_FIRST
        delete_row(n)
#else
        n++
#endif
    :: n < rows && !(segment[n] != 0 && seq[n] > at && seq[n] <= upto) -> n++
    :: else -> break
    od;
    n = 0
}

inline commit_records() {
    assert((published & sent) == 0);                    /* each event is in one committed transaction */
    published = published | sent;
    assert(!last || (!announced && published == ALL));  /* completion once, after every slot event */
    announced = announced || last
}

inline commit_position() {
    assert(lane_position == at);    /* nobody has published since this owner read the position */
    lane_position = upto
}

inline answer() {
    if
    :: at = upto; upto = 0; sent = 0; last = false; goto next
#ifdef TRUST_SILENCE
    :: fault; goto publish
#else
    :: fault; lose_lane(); goto acquire     /* outcome unknown: ask Kafka where the lane stands */
#endif
    fi
}

#ifdef NO_LANE_LOCK
#define owner true
#define may_own true
#else
#define owner (lane_lock == me)
#define may_own (lane_lock == NOBODY)
#endif

proctype Relay(byte me) {
    byte at, upto, sent, n, j;
    bool last;
acquire:
    atomic {
        if
        :: workers_ended == 2 && no_segments -> relays_ended++; goto end
        :: may_own -> lane_lock = me
        fi
    }
#ifdef FENCE_AFTER_READING
    at = lane_position;
    atomic { fence() }
#else
    atomic { if :: fault; lose_lane(); goto acquire :: fence() fi }
    at = lane_position;
#endif
next:
    atomic {
        if
        :: fault; lose_lane(); goto acquire
        :: !owner -> lose_lane(); goto acquire
        :: owner && workers_ended == 2 && no_segments -> lose_lane(); relays_ended++; goto end
        :: owner && !no_segments ->
            take_next();
            if
            :: last_seq == at -> goto next
            :: last_seq > at -> upto = at + 1
            :: last_seq > at + 1 -> upto = last_seq
            fi;
            collect()
        fi
    }
publish:
    atomic {
        if
        :: fault; lose_lane(); goto acquire
        :: !may_commit[me] -> lose_lane(); goto acquire
        :: may_commit[me] ->
            commit_records();
#ifndef POSITION_APART
            commit_position()
#endif
        fi
#ifndef POSITION_APART
        ;
        answer()
#endif
    }
#ifdef POSITION_APART
    atomic {
        if
        :: fault; lose_lane(); goto acquire
        :: !may_commit[me] -> lose_lane(); goto acquire
        :: may_commit[me] -> commit_position()
        fi;
        answer()
    }
#endif
end: skip
}

/* The server ends the session that holds the lane, whatever its owner believes. */
active proctype Server() {
end:
    do
    :: atomic { lane_lock != NOBODY && fault; lane_lock = NOBODY }
    od
}

init {
    atomic { run Worker(0); run Worker(1); run Relay(0); run Relay(1) };
    atomic {
        workers_ended == 2 && relays_ended == 2;
        assert(effects == ALL && open_count == 0 && completed);     /* nothing is lost on the way in, */
        assert(published == ALL && announced)                       /* nor on the way out */
    }
}

#ifdef LIVE
ltl rest { <> (workers_ended == 2 && relays_ended == 2) }
#endif
