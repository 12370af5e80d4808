-- Who may do what. The file that accounts were read from is the authority over those it names.
CREATE TABLE account (
    id         {id},
    name       TEXT NOT NULL UNIQUE,
    group_name TEXT,
    roles      BIGINT NOT NULL,
    -- 1 if it was made here, and no file names it.
    kept_here  BIGINT NOT NULL,
    -- 1 if nobody may use it.
    blocked    BIGINT NOT NULL
);

-- `own` is 1 where the account set it itself, here and below: then the file takes nothing of it away.
CREATE TABLE password (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL,
    own     BIGINT NOT NULL,
    PRIMARY KEY (account, hash)
);

CREATE TABLE public_key (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    own     BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

-- The delegate is a name, so that it may come later than the subject that trusts it.
CREATE TABLE delegation (
    account  BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    delegate TEXT NOT NULL,
    own      BIGINT NOT NULL,
    PRIMARY KEY (account, delegate)
);

-- Names that results refer to by number.
CREATE TABLE subject  (id {id}, name TEXT NOT NULL UNIQUE);
CREATE TABLE scope    (id {id}, uuid TEXT NOT NULL UNIQUE);
CREATE TABLE testcase (id {id}, name TEXT NOT NULL UNIQUE);

-- What was sent, byte for byte, so that anybody can verify it again. Times are microseconds since 1970 in UTC.
CREATE TABLE submission (
    id          {key},
    received_at BIGINT NOT NULL,
    uploader    TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    signature   TEXT NOT NULL,
    public_key  TEXT NOT NULL,
    payload     {bytes} NOT NULL
);

CREATE TABLE report (
    id          {key},
    uuid        TEXT NOT NULL UNIQUE,
    submission  BIGINT NOT NULL REFERENCES submission (id),
    -- Which document of the submission, counted from 0.
    part        BIGINT NOT NULL,
    subject     BIGINT NOT NULL REFERENCES subject (id),
    scope       BIGINT NOT NULL REFERENCES scope (id),
    -- As written.
    checked_at  TEXT NOT NULL,
    -- The instant that counts: never later than the receipt.
    counts_from BIGINT NOT NULL
);

CREATE INDEX report_of_subject ON report (subject, counts_from);
CREATE INDEX report_by_time ON report (counts_from);

-- The tables from here to `score` are written by the thousand, so that no row of theirs is looked up elsewhere.
CREATE TABLE result (
    subject     BIGINT NOT NULL,
    scope       BIGINT NOT NULL,
    testcase    BIGINT NOT NULL,
    counts_from BIGINT NOT NULL,
    report      BIGINT NOT NULL,
    verdict     BIGINT NOT NULL,
    -- 1 if people stated it.
    stated      BIGINT NOT NULL,
    approved    BIGINT NOT NULL,
    PRIMARY KEY (subject, scope, testcase, counts_from, report)
){clustered};

CREATE INDEX result_of_report ON result (report);

-- The newest result of each testcase, so that nothing has to be looked for in history. What people stated stands beside
-- what was measured, since it cannot take its place.
CREATE TABLE standing (
    subject         BIGINT NOT NULL,
    scope           BIGINT NOT NULL,
    testcase        BIGINT NOT NULL,
    stated          BIGINT NOT NULL,
    verdict         BIGINT NOT NULL,
    -- When it came out first, without ever having expired or changed since, and last.
    since           BIGINT NOT NULL,
    first_report    BIGINT NOT NULL,
    counts_from     BIGINT NOT NULL,
    report          BIGINT NOT NULL,
    -- The newest PASS or FAIL.
    certain_verdict BIGINT,
    certain_from    BIGINT,
    PRIMARY KEY (subject, scope, testcase, stated)
){rewritten};

-- How long a testcase kept which verdict before the one it has now. `ended` is when the next result came, after it had
-- expired or with something else; when it expired is for the scope to say.
CREATE TABLE spell (
    subject         BIGINT NOT NULL,
    scope           BIGINT NOT NULL,
    testcase        BIGINT NOT NULL,
    stated          BIGINT NOT NULL,
    verdict         BIGINT NOT NULL,
    since           BIGINT NOT NULL,
    first_report    BIGINT NOT NULL,
    last            BIGINT NOT NULL,
    last_report     BIGINT NOT NULL,
    ended           BIGINT NOT NULL,
    certain_verdict BIGINT,
    certain_from    BIGINT,
    PRIMARY KEY (subject, scope, testcase, stated, since)
){clustered};

CREATE INDEX spell_by_end ON spell (subject, scope, ended);

-- What the standings of a subject in a scope come to, so that no page has to reckon.
CREATE TABLE score (
    subject     BIGINT NOT NULL,
    scope       BIGINT NOT NULL,
    newest      BIGINT NOT NULL,
    -- When it has to be reckoned again, since something expires or a version comes into force.
    next_change BIGINT NOT NULL,
    -- By what it was reckoned.
    spec        TEXT NOT NULL,
    -- JSON.
    shown       TEXT NOT NULL,
    PRIMARY KEY (subject, scope)
){rewritten};

CREATE INDEX score_by_change ON score (next_change);

-- One row, whose number grows whenever the overview may be another one.
CREATE TABLE revision (number BIGINT NOT NULL);
INSERT INTO revision (number) VALUES (0);

-- The log: what was accepted, in order, for anybody to check. The first entry about something bears its UUID here, too.
CREATE TABLE log_entry (
    place BIGINT PRIMARY KEY,
    entry {bytes} NOT NULL,
    about TEXT UNIQUE
);

-- The hashes of the tree over it; the last tile of each level grows.
CREATE TABLE log_tile (
    level  BIGINT NOT NULL,
    tile   BIGINT NOT NULL,
    hashes {bytes} NOT NULL,
    PRIMARY KEY (level, tile)
){clustered};

-- Who signs it: one row.
CREATE TABLE log_key (key TEXT PRIMARY KEY);
