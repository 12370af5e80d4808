-- The environments that an integrator names (scs-0007), by application.
CREATE TABLE integrator_reference (
    application BIGINT NOT NULL REFERENCES application (id),
    -- Its number within the application.
    number      BIGINT NOT NULL,
    -- JSON.
    reference   TEXT NOT NULL,
    -- What was said about it last; none while nothing was.
    word        TEXT,
    said        TEXT,
    PRIMARY KEY (application, number)
);

-- What auditors found of testcases, beside what was measured and stated.
CREATE TABLE finding (
    id       {key},
    uuid     TEXT NOT NULL UNIQUE,
    subject  BIGINT NOT NULL REFERENCES subject (id),
    scope    BIGINT NOT NULL REFERENCES scope (id),
    testcase BIGINT NOT NULL REFERENCES testcase (id),
    -- PASS, FAIL or REMARK.
    opinion  TEXT NOT NULL,
    text     TEXT NOT NULL,
    -- Where it can be seen; may be empty.
    evidence TEXT NOT NULL,
    -- A day, counted from the first of 1970.
    seen_on  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    account  TEXT NOT NULL,
    -- Goes into the digest that the log has, which could be guessed without it.
    nonce    TEXT NOT NULL
);

CREATE INDEX finding_of_subject ON finding (subject, scope);
