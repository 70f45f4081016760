-- depends:

-- The next offset to handle of each input partition. Compared and set in the transaction of every chunk:
-- the row is the fence that keeps an instance which lost a partition from committing anything.
CREATE TABLE position (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);

-- One ordered publication log each. last_seq: the newest number given to a segment; published_seq: the newest number
-- known to be committed in Kafka. Kafka's own record of the position is the truth and lies between the two.
CREATE TABLE lane (
    lane smallint PRIMARY KEY CHECK (lane >= 0),
    last_seq bigint NOT NULL DEFAULT 0,
    published_seq bigint NOT NULL DEFAULT 0,
    CHECK (published_seq <= last_seq)
) WITH (fillfactor = 10);

-- All events that one chunk caused in one lane. id orders causally within a lane; seq is given by the lane's owner.
CREATE TABLE segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane smallint NOT NULL,
    seq bigint,
    event_count int NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE segment ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX segment_numbered ON segment (lane, seq) WHERE seq IS NOT NULL;
CREATE INDEX segment_unnumbered ON segment (lane, id) WHERE seq IS NULL;

-- Records that no handler can take, kept whole.
CREATE TABLE dead_letter (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    record_key bytea,
    record_value bytea,
    record_headers jsonb NOT NULL DEFAULT '[]',
    record_timestamp timestamptz,
    error_type text NOT NULL,
    error_message text NOT NULL,
    stack_fingerprint text,
    attempts int NOT NULL DEFAULT 1,
    bisection_trace jsonb NOT NULL DEFAULT '[]',
    instance_id text NOT NULL,
    state text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'redriven', 'discarded')),
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, partition, record_offset)
);

-- Who is alive, on the database's clock. Used to share lanes evenly; never to decide what may commit.
CREATE TABLE instance (
    instance_id text PRIMARY KEY,
    host text NOT NULL,
    pid int NOT NULL,
    http_url text,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
