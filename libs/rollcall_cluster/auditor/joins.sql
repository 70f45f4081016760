-- Brings the facts of all sides together: one row for each subject of the checks. Everything is sorted and
-- grouped by SQLite, which spills to disk, so memory stays bounded. Sources as in sighting.py. Views are
-- temporary because only those may speak of the tables of several shards.

-- One row for each content and failure, sorted, so that batches can be read off it in order.
CREATE TABLE tally (
    batch BLOB NOT NULL,
    kind INTEGER NOT NULL,
    identity TEXT NOT NULL,
    inputs INTEGER NOT NULL,
    dead_inputs INTEGER NOT NULL,
    revived_inputs INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    excess INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    assigned INTEGER NOT NULL,
    assigned_early INTEGER NOT NULL,
    announced_excess INTEGER NOT NULL,
    announced_excess_early INTEGER NOT NULL,
    announced_closed INTEGER NOT NULL,
    announced_differently INTEGER NOT NULL,
    taken_differently INTEGER NOT NULL,
    first_lane INTEGER,
    last_lane INTEGER,
    last_rank INTEGER,
    at REAL NOT NULL,
    PRIMARY KEY (batch, kind, identity)
) WITHOUT ROWID;

INSERT INTO tally
SELECT
    batch,
    kind,
    identity,
    sum(source = 1),
    sum(source = 2),
    -- A dead letter whose record was handled once more may have taken effect then.
    sum(source = 2 AND EXISTS (
        SELECT 1 FROM handled_again h
        WHERE h.log = sighting.log AND sighting.place >= h.first AND sighting.place < h.next
    )),
    sum(source = 3),
    sum(source = 4),
    sum(source = 5),
    sum(source IN (6, 7)),
    sum(source = 6),
    sum(source IN (8, 9)),
    sum(source = 8),
    sum(source IN (8, 9) AND coalesce(origin, 0)),
    coalesce(min(digest) <> max(digest), 0),
    coalesce(
        min(origin) FILTER (WHERE source <= 2) = max(origin) FILTER (WHERE source <= 2)
        AND (
            min(origin) FILTER (WHERE source <= 2) <> max(origin) FILTER (WHERE source BETWEEN 3 AND 5)
            OR max(origin) FILTER (WHERE source <= 2) <> min(origin) FILTER (WHERE source BETWEEN 3 AND 5)
        ),
        0
    ),
    min(lane),
    max(lane),
    max(rank) FILTER (WHERE source IN (6, 7)),
    coalesce(min(at), 0)
FROM sighting
GROUP BY batch, kind, identity;

-- Purging took the rows away on purpose, and whatever comes later for such a batch is excess, announced
-- again if that row was purged in turn: none of this can be blamed.
UPDATE tally SET
    inputs = iif(slots + excess + pending = 0, 0, inputs),
    assigned_early = iif(slots = 0, 0, assigned_early),
    announced_excess_early = iif(excess = 0, 0, announced_excess_early),
    announced_excess = min(announced_excess, 1)
WHERE batch IN (SELECT batch FROM batch WHERE purged);

-- What was announced about each batch as a whole.
CREATE TABLE announced (
    batch BLOB NOT NULL PRIMARY KEY,
    completed INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    completion_early INTEGER NOT NULL,
    errors_early INTEGER NOT NULL,
    timeout_early INTEGER NOT NULL,
    different TEXT,
    timeout_different INTEGER NOT NULL,
    first_lane INTEGER,
    last_lane INTEGER,
    first_rank INTEGER,
    timeout_rank INTEGER
) WITHOUT ROWID;

INSERT INTO announced
SELECT
    a.batch,
    sum(a.model = 'completed'),
    sum(a.model = 'ready'),
    sum(a.model = 'errors'),
    sum(a.model = 'timeout'),
    sum(a.model IN ('completed', 'ready') AND a.early),
    sum(a.model = 'errors' AND a.early),
    sum(a.model = 'timeout' AND a.early),
    group_concat(DISTINCT a.model) FILTER (
        WHERE a.model <> 'timeout'
        AND (
            coalesce(a.expected <> b.expected, 0)
            OR coalesce(a.filled <> r.filled, 0)
            OR coalesce(a.failed <> r.failed, 0)
            OR coalesce(a.context <> b.context, 0)
            OR coalesce(a.instructions <> b.instructions, 0)
            OR a.list <> iif(a.model = 'errors', r.failed_list, r.ready_list)
            OR coalesce(a.missing_list <> r.missing_list, 0)
        )
    ),
    -- Of a batch that went on, only what never changes can be compared.
    coalesce(sum(
        a.model = 'timeout'
        AND (
            a.expected <> a.filled + a.failed + a.open
            OR coalesce(a.expected <> b.expected, 0)
            OR coalesce(
                a.policy <> iif(b.forced AND b.closed AND NOT b.timed_out, 'close', b.policy), 0
            )
            OR coalesce(
                b.missing > 0 AND NOT (b.forced AND b.timed_out)
                AND (a.open <> b.missing OR a.filled <> b.filled OR a.failed <> b.failed),
                0
            )
            OR coalesce(
                r.missing > 0 AND NOT (b.forced AND b.timed_out) AND a.missing_list <> r.missing_list, 0
            )
        )
    ), 0),
    min(a.lane),
    max(a.lane),
    min(a.rank) FILTER (WHERE a.model <> 'timeout'),
    min(a.rank) FILTER (WHERE a.model = 'timeout')
FROM announcement a
LEFT JOIN batch b USING (batch)
LEFT JOIN roll r USING (batch)
GROUP BY a.batch;

-- Where the contents of each batch were published.
CREATE TABLE published (
    batch BLOB NOT NULL PRIMARY KEY,
    first_lane INTEGER,
    last_lane INTEGER,
    last_rank INTEGER
) WITHOUT ROWID;

INSERT INTO published
SELECT batch, min(first_lane), max(last_lane), max(last_rank)
FROM tally
GROUP BY batch;

-- Registration records, with whether they say what the batch and its slots say.
CREATE TEMP VIEW registering AS
SELECT
    g.batch,
    g.log,
    g.place,
    g.dead,
    b.batch IS NOT NULL AS registered,
    -- Of a purged batch nothing is left to compare with; a deadline that is not said may be any.
    coalesce(
        b.purged
        OR g.expected = b.expected
        AND g.context = b.context
        AND g.instructions = b.instructions
        AND g.essay_ids = r.essay_ids
        AND coalesce(g.deadline = b.deadline, 1)
        AND coalesce(g.policy = b.policy, 1),
        0
    ) AS matches
FROM registration g
LEFT JOIN batch b USING (batch)
LEFT JOIN roll r USING (batch);

CREATE TABLE registered (
    batch BLOB NOT NULL PRIMARY KEY,
    matching INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO registered SELECT batch, sum(matches) FROM registering GROUP BY batch;

CREATE TABLE completed (batch BLOB NOT NULL PRIMARY KEY, completions INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO completed SELECT batch, count(*) FROM completion GROUP BY batch;

CREATE TABLE waiting (batch BLOB NOT NULL PRIMARY KEY, oldest_seconds REAL NOT NULL) WITHOUT ROWID;
INSERT INTO waiting SELECT batch, max(age_seconds) FROM pending GROUP BY batch;

-- One row for each batch that any side knows.
CREATE TEMP VIEW whole AS
SELECT
    k.batch,
    b.batch IS NOT NULL AS registered,
    coalesce(g.matching, 0) AS matching_registrations,
    coalesce(b.expected, 0) AS expected,
    coalesce(b.open, 0) AS open_count,
    coalesce(b.filled, 0) AS filled_count,
    coalesce(b.failed, 0) AS failed_count,
    coalesce(b.missing, 0) AS missing_count,
    coalesce(b.completed, 0) AS completed,
    coalesce(b.dated, 0) AS dated,
    coalesce(b.closed, 0) AS closed,
    coalesce(b.closed_dated, 0) AS closed_dated,
    coalesce(b.timed_out, 0) AS timed_out,
    coalesce(b.forced, 0) AS forced,
    coalesce(b.purged, 0) AS purged,
    coalesce(b.deadline, 0) AS deadline,
    b.policy,
    coalesce(b.completed_at, 0) AS completed_at,
    coalesce(b.ended_at, 0) AS ended_at,
    coalesce(r.slots, 0) AS slots,
    coalesce(r.open, 0) AS open,
    coalesce(r.filled, 0) AS filled,
    coalesce(r.failed, 0) AS failed,
    coalesce(r.missing, 0) AS missing,
    coalesce(r.repeated, 0) AS repeated,
    coalesce(r.contradictory, 0) AS contradictory,
    coalesce(c.completions, 0) AS completions,
    coalesce(a.completed, 0) AS announced_completed,
    coalesce(a.ready, 0) AS announced_ready,
    coalesce(a.errors, 0) AS announced_errors,
    coalesce(a.timeout, 0) AS announced_timeout,
    coalesce(a.completion_early, 0) AS completion_early,
    coalesce(a.errors_early, 0) AS errors_early,
    coalesce(a.timeout_early, 0) AS timeout_early,
    a.different,
    coalesce(a.timeout_different, 0) AS timeout_different,
    a.first_rank AS completion_rank,
    a.timeout_rank,
    p.last_rank AS slot_rank,
    min(coalesce(a.first_lane, p.first_lane), coalesce(p.first_lane, a.first_lane)) AS first_lane,
    max(coalesce(a.last_lane, p.last_lane), coalesce(p.last_lane, a.last_lane)) AS last_lane,
    w.oldest_seconds AS pending_seconds
FROM (
    SELECT batch FROM batch
    UNION SELECT batch FROM roll
    UNION SELECT batch FROM completed
    UNION SELECT batch FROM announced
    UNION SELECT batch FROM published
    UNION SELECT batch FROM waiting
) k
LEFT JOIN batch b USING (batch)
LEFT JOIN roll r USING (batch)
LEFT JOIN completed c USING (batch)
LEFT JOIN announced a USING (batch)
LEFT JOIN published p USING (batch)
LEFT JOIN registered g USING (batch)
LEFT JOIN waiting w USING (batch);

-- One row for each place that has a dead letter, an event about one, or both. records: different ones that were
-- announced, for a topic that was made again has other records at the same offsets.
CREATE TEMP VIEW mourned AS
SELECT
    d.log,
    d.place,
    sum(d.row_) AS letters,
    sum(d.event) AS events,
    sum(d.early) AS events_early,
    count(DISTINCT d.record) AS records,
    coalesce(p.furthest, p.next_offset, 0) AS next_offset,
    coalesce(p.log_start, 0) AS log_start,
    coalesce(max(d.at), 0) AS at
FROM (
    SELECT log, place, 1 AS row_, 0 AS event, 0 AS early, NULL AS record, at FROM dead_letter
    UNION ALL
    SELECT log, place, 0, 1, early, record, NULL FROM dead_letter_event
) d
LEFT JOIN position p USING (log)
GROUP BY d.log, d.place;

-- Places in lanes that were published more than once.
CREATE TABLE repeated_place AS
SELECT lane, rank, count(*) AS records
FROM publication
GROUP BY lane, rank
HAVING count(*) > 1;

-- Marked events, with whether an operator has ordered them.
CREATE TEMP VIEW marked_record AS
SELECT m.entry, m.log, m.place, m.early, o.entry IS NOT NULL AS ordered
FROM marked m
LEFT JOIN publishing_order o ON o.entry = m.entry AND o.header = m.header AND o.batch = m.batch;

CREATE TABLE repeated_mark AS
SELECT entry, min(log) AS log, min(place) AS place, count(*) AS records
FROM marked
GROUP BY entry, event
HAVING count(*) > 1;

-- Orders to publish, with how many of their events are there.
CREATE TEMP VIEW carried_out AS
SELECT o.entry, o.batch, o.events, o.at, (
    SELECT count(DISTINCT m.event) FROM marked m WHERE m.entry = o.entry
) AS published
FROM publishing_order o;
