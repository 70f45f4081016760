-- The scratch database (SQLite), and each of its shards. Tables are filled in bulk and never updated;
-- joins.sql brings the facts together afterwards. A batch is its 16 bytes. `log` numbers a partition
-- as the logbook does, `place` is an offset.

-- Every place where a content (kind 0) or a validation failure (kind 1) was seen.
-- source: see sighting.py. place: offset, or position of the slot. digest: what a slot and its
-- announcement must agree on; origin: what a row and its input must agree on, or, of an excess event,
-- whether its reason is BATCH_CLOSED. lane, rank: publication order of events. at: since when a row
-- says so (seconds since 1970, as everywhere here); its event is no older.
CREATE TABLE sighting (
    batch BLOB NOT NULL,
    kind INTEGER NOT NULL,
    identity TEXT NOT NULL,
    source INTEGER NOT NULL,
    log INTEGER,
    place INTEGER,
    digest INTEGER,
    origin INTEGER,
    lane INTEGER,
    rank INTEGER,
    at REAL
);

-- Pending rows with their age when the snapshot was taken.
CREATE TABLE pending (
    batch BLOB NOT NULL,
    kind INTEGER NOT NULL,
    identity TEXT NOT NULL,
    age_seconds REAL NOT NULL
);

-- Batch rows. context and instructions are digests. dated, closed_dated: it has a date of completion, of
-- closing. forced: an operator ended it. deadline: seconds from registration, 0 = none. ended_at: when its
-- deadline passed or an operator ended it.
CREATE TABLE batch (
    batch BLOB NOT NULL PRIMARY KEY,
    expected INTEGER NOT NULL,
    open INTEGER NOT NULL,
    filled INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    dated INTEGER NOT NULL,
    closed_dated INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    forced INTEGER NOT NULL,
    purged INTEGER NOT NULL,
    deadline REAL NOT NULL,
    policy TEXT,
    context INTEGER NOT NULL,
    instructions INTEGER NOT NULL,
    completed_at REAL,
    ended_at REAL
) WITHOUT ROWID;

-- What the slots of one batch add up to.
CREATE TABLE roll (
    batch BLOB NOT NULL PRIMARY KEY,
    slots INTEGER NOT NULL,
    open INTEGER NOT NULL,
    filled INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    contradictory INTEGER NOT NULL,
    essay_ids INTEGER NOT NULL,
    ready_list INTEGER NOT NULL,
    failed_list INTEGER NOT NULL,
    missing_list INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE completion (batch BLOB NOT NULL);

-- Events about a whole batch. early: published before the snapshot was taken.
CREATE TABLE announcement (
    batch BLOB NOT NULL,
    model TEXT NOT NULL,
    early INTEGER NOT NULL,
    log INTEGER NOT NULL,
    place INTEGER NOT NULL,
    lane INTEGER,
    rank INTEGER,
    expected INTEGER,
    filled INTEGER,
    failed INTEGER,
    context INTEGER,
    instructions INTEGER,
    list INTEGER,
    open INTEGER,
    missing_list INTEGER,
    policy TEXT
);

-- Every output record that says where it stands in its lane.
CREATE TABLE publication (
    lane INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    log INTEGER NOT NULL,
    place INTEGER NOT NULL
);

-- Output records with something wrong in themselves.
CREATE TABLE flaw (
    code TEXT NOT NULL,
    log INTEGER NOT NULL,
    place INTEGER NOT NULL,
    found TEXT NOT NULL
);

-- Registrations read; dead: there is a dead letter of the record.
CREATE TABLE registration (
    batch BLOB NOT NULL,
    log INTEGER NOT NULL,
    place INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    expected INTEGER NOT NULL,
    context INTEGER NOT NULL,
    instructions INTEGER NOT NULL,
    essay_ids INTEGER NOT NULL,
    deadline INTEGER,
    policy TEXT
);

-- Input records that no handler can take ('undecodable') and those with dead letters but without
-- reason for one ('unknown type').
CREATE TABLE verdict (
    verdict TEXT NOT NULL,
    log INTEGER NOT NULL,
    place INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    reason TEXT NOT NULL
);

-- Dead letters of the partitions read, in order; state as in the database.
CREATE TABLE dead_letter (
    log INTEGER NOT NULL,
    place INTEGER NOT NULL,
    state TEXT NOT NULL,
    at REAL,
    PRIMARY KEY (log, place)
) WITHOUT ROWID;

-- Dead letter events: the record they are about, with a digest of it, and where they stand.
CREATE TABLE dead_letter_event (
    log INTEGER,
    place INTEGER NOT NULL,
    early INTEGER NOT NULL,
    event_log INTEGER NOT NULL,
    event_place INTEGER NOT NULL,
    record INTEGER NOT NULL
);

-- Input partitions. log is null for a partition that does not exist, next_offset before the first chunk.
-- log_end: end after the snapshot; behind: a readable record waits that was there before the snapshot;
-- moved_back: seen higher before, and no operator has moved it since. furthest: the highest that it was
-- before operators moved it back.
CREATE TABLE position (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    log INTEGER,
    next_offset INTEGER,
    log_start INTEGER NOT NULL,
    log_end INTEGER NOT NULL,
    behind INTEGER NOT NULL,
    moved_back INTEGER NOT NULL,
    furthest INTEGER
);

-- Offsets that operators have had handled once more, from first up to next.
CREATE TABLE handled_again (
    log INTEGER NOT NULL,
    first INTEGER NOT NULL,
    next INTEGER NOT NULL
);

-- Orders of operators to publish events under a header, with the audit's entry and the number of events.
CREATE TABLE publishing_order (
    entry INTEGER PRIMARY KEY,
    header TEXT NOT NULL,
    batch BLOB NOT NULL,
    events INTEGER NOT NULL,
    at REAL NOT NULL
);

-- Events with such a header.
CREATE TABLE marked (
    entry INTEGER NOT NULL,
    header TEXT NOT NULL,
    batch BLOB NOT NULL,
    event BLOB NOT NULL,
    early INTEGER NOT NULL,
    log INTEGER NOT NULL,
    place INTEGER NOT NULL
);

-- Slots that operators gave to other contents; in_place: they and what they held before are as the audit says.
-- was_missing: nothing held the slot.
CREATE TABLE reassignment (
    entry INTEGER PRIMARY KEY,
    batch BLOB NOT NULL,
    was_missing INTEGER NOT NULL,
    in_place INTEGER NOT NULL
);

-- Lanes: numbers given and known as published in the database, the newest position record in Kafka before
-- and after the snapshot, and segments left.
CREATE TABLE lane (
    lane INTEGER PRIMARY KEY,
    last_seq INTEGER,
    published_seq INTEGER,
    early_seq INTEGER,
    kafka_seq INTEGER,
    segments INTEGER NOT NULL,
    events INTEGER NOT NULL
);

-- Keys whose evidence is looked up.
CREATE TABLE wanted (
    batch BLOB NOT NULL,
    kind INTEGER NOT NULL,
    identity TEXT NOT NULL,
    PRIMARY KEY (batch, kind, identity)
) WITHOUT ROWID;
CREATE TABLE wanted_batch (batch BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE wanted_place (
    lane INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (lane, rank)
) WITHOUT ROWID;
