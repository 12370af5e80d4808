-- What was told, by rule: it is told again when it is another word, or none any more.
CREATE TABLE told (
    rule    TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- UUID of the scope.
    scope   TEXT NOT NULL,
    topic   TEXT NOT NULL,
    word    TEXT NOT NULL,
    PRIMARY KEY (rule, subject, scope, topic)
);

-- What waits to be sent, and what was sent lately.
CREATE TABLE outbox (
    id        {key},
    uuid      TEXT NOT NULL,
    rule      TEXT NOT NULL,
    channel   TEXT NOT NULL,
    -- Whom of the channel; empty where it has one.
    recipient TEXT NOT NULL,
    -- JSON.
    body      TEXT NOT NULL,
    made_at   BIGINT NOT NULL,
    attempts  BIGINT NOT NULL,
    -- When to try next; while somebody tries, when to take it that he failed. None once it is over.
    due       BIGINT,
    sent_at   BIGINT,
    -- What was said the last time it failed.
    trouble   TEXT
);

CREATE INDEX outbox_by_due ON outbox (due);
CREATE INDEX outbox_of_rule ON outbox (rule, made_at);
