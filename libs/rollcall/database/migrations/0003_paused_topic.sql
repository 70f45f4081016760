-- depends: 0001_runtime

-- Topics that no instance consumes until somebody resumes them.
CREATE TABLE paused_topic (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic)
);
