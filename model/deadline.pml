/* A batch whose deadline passes while its slots are being filled, for Spin.
 *
 * One batch of two slots; three contents, each of which may come or not, each handled by a transaction of
 * its own; two sweeps of other instances that do not know of each other (the lock of the sweep is left out
 * on purpose); a deadline that passes at any moment, under any policy. Every process may stall anywhere,
 * and FAULTS times in all a transaction is rolled back before its commit. Rows are locked as the
 * statements lock them: slots and due batches SKIP LOCKED, counters FOR UPDATE.
 *
 * A macro of this block takes one guard away; then the checker must find a counterexample (see check.py).
 *   DUE_NOT_LOCKED      a sweep reads the batch that is due without its lock
 *   SOME_SLOTS_GIVEN_UP a batch ends although a slot of it is locked by its taker
 *   TIMED_OUT_AGAIN     a batch that has timed out is taken for due once more
 *   LOCKED_MEANS_FULL   content is excess as soon as no slot can be locked
 *   UNLOCKED_COUNTERS   a taker counts without the batch's lock */

#ifndef FAULTS
#define FAULTS 1
#endif

#define NOBODY 255
#define SLOTS 2
#define CONTENTS 3
#define FILLER(n) (n)
#define SWEEP(n) (10 + n)

mtype = { KEEP_OPEN, COMPLETE_PARTIAL, CLOSE };
mtype = { OPEN, FILLED, MISSING };
mtype = { OPENED, COMPLETED, CLOSED };

mtype policy;
bool due;

/* What is committed, and who has locked it. */
mtype slot[SLOTS] = OPEN;
byte slot_lock[SLOTS] = NOBODY;
mtype state = OPENED;
byte open_count = SLOTS;
byte missing_count;
bool timed_out;
byte batch_lock = NOBODY;

/* What the outbox holds, in the order of its commits. */
byte filled, excess, timeouts, completions;

byte came, placed, sweeps_ended;
byte faults = FAULTS;

#define fault faults > 0 -> faults--

inline release() {
    d_step {
        n = 0;
        do
        :: n < SLOTS -> if :: slot_lock[n] == me -> slot_lock[n] = NOBODY :: else fi; n++
        :: else -> break
        od;
        if :: batch_lock == me -> batch_lock = NOBODY :: else fi;
        n = 0; left = 0
    }
}

inline complete() {
    assert(state == COMPLETED && open_count == 0);
    assert(slot[0] != OPEN && slot[1] != OPEN);
    completions++;
    assert(completions == 1)
}

proctype Filler(byte me) {
    byte mine, n, left;
take:
    atomic {        /* the lowest open slot that nobody has locked */
        mine = NOBODY;
        n = 0;
        do
        :: n < SLOTS && slot[n] == OPEN && slot_lock[n] == NOBODY -> slot_lock[n] = me; mine = n; break
        :: n < SLOTS && !(slot[n] == OPEN && slot_lock[n] == NOBODY) -> n++
        :: n == SLOTS -> break
        od;
        n = 0
    }
    if
    :: mine == NOBODY -> goto leave
    :: else
    fi;
count:
    atomic {
#ifndef UNLOCKED_COUNTERS
        batch_lock == NOBODY -> batch_lock = me;
#endif
        left = open_count - 1
    }
    atomic {
        if
        :: fault; release(); goto take
        :: true ->
            assert(slot[mine] == OPEN);
            assert(state == OPENED);                    /* nothing is filled in a batch that has ended */
            slot[mine] = FILLED; filled++;
            open_count = left;
            if
            :: left == 0 -> state = COMPLETED; complete()
            :: else
            fi;
            release(); placed++; goto end
        fi
    }
leave:
    atomic {        /* one snapshot decides between excess and another attempt */
        if
#ifdef LOCKED_MEANS_FULL
        :: true ->
#else
        :: open_count > 0 -> goto take                  /* pending: it is placed again later */
        :: open_count == 0 ->
#endif
            assert(slot[0] != OPEN && slot[1] != OPEN); /* excess only if no slot is left for it */
            assert((missing_count > 0) == (slot[0] == MISSING || slot[1] == MISSING));
            excess++; placed++
        fi
    }
end: skip
}

#ifdef TIMED_OUT_AGAIN
#define is_due (due && state == OPENED && timeouts < 2)
#else
#define is_due (due && state == OPENED && !timed_out)
#endif

proctype Sweep(byte me) {
    byte n, locked, seen, left;
    mtype next;
look:
    atomic {
        if
        :: state != OPENED || timed_out -> sweeps_ended++; goto end
#ifdef DUE_NOT_LOCKED
        :: is_due ->
#else
        :: is_due && batch_lock == NOBODY -> batch_lock = me;
#endif
            seen = open_count
        fi
    }
    atomic {        /* all open slots are given up, or none */
        locked = 0;
        if
        :: policy == KEEP_OPEN
        :: else ->
            n = 0;
            do
            :: n < SLOTS ->
                if
                :: slot[n] == OPEN && slot_lock[n] == NOBODY -> slot_lock[n] = me; locked++
                :: else
                fi;
                n++
            :: else -> break
            od;
            n = 0;
            if
#ifdef SOME_SLOTS_GIVEN_UP
            :: locked == 0 -> release(); goto look
#else
            :: locked != seen -> locked = 0; release(); goto look
#endif
            :: else
            fi
        fi
    }
    atomic {
        if
        :: fault; locked = 0; release(); goto look
        :: true ->
            timed_out = true;
            timeouts++;
            assert(timeouts == 1);
            assert(completions == 0);                   /* the time-out stands before the completion */
            if
            :: policy == KEEP_OPEN
            :: else ->
                n = 0;
                do
                :: n < SLOTS -> if :: slot_lock[n] == me -> slot[n] = MISSING :: else fi; n++
                :: else -> break
                od;
                n = 0;
                missing_count = seen;
                open_count = 0;
                if
                :: policy == COMPLETE_PARTIAL -> state = COMPLETED; complete()
                :: policy == CLOSE -> state = CLOSED
                fi
            fi;
            locked = 0; seen = 0; release(); goto look
        fi
    }
end: skip
}

init {
    byte n, open, gone;
    atomic {
        if :: policy = KEEP_OPEN :: policy = COMPLETE_PARTIAL :: policy = CLOSE fi;
        n = 0;
        do
        :: n < CONTENTS -> if :: came++; run Filler(FILLER(n)) :: true fi; n++
        :: else -> break
        od;
        run Sweep(SWEEP(0)); run Sweep(SWEEP(1))
    }
    due = true;
    atomic {        /* at rest */
        placed == came && sweeps_ended == 2;
        n = 0;
        do
        :: n < SLOTS ->
            if :: slot[n] == OPEN -> open++ :: slot[n] == MISSING -> gone++ :: else fi; n++
        :: else -> break
        od;
        assert(open == open_count && gone == missing_count && filled + open + gone == SLOTS);
        assert(filled + excess == came);                /* each content in exactly one place */
        assert((state == OPENED) == (open > 0));
        assert(completions == (state == COMPLETED));
        assert((state == CLOSED) == (policy == CLOSE && gone > 0));
        assert(timeouts == timed_out && (timed_out || open == 0))
    }
}
