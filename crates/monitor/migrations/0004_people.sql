-- What accounts are used with beside passwords. Of each secret only a digest is kept: it is long and random.
CREATE TABLE session (
    digest     TEXT PRIMARY KEY,
    account    BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX session_of_account ON session (account);

-- For programs.
CREATE TABLE token (
    digest     TEXT PRIMARY KEY,
    uuid       TEXT NOT NULL UNIQUE,
    account    BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    -- 1 if reports are handed in with it, and nothing else is done.
    reports    BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- A day, counted from the first of 1970.
    used_on    BIGINT
);

CREATE INDEX token_of_account ON token (account);

-- For who has no password yet, or forgot it.
CREATE TABLE invitation (
    digest     TEXT PRIMARY KEY,
    account    BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

-- What is told about a subject beside its results; nothing is reckoned with it.
CREATE TABLE profile (
    subject     TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    operator    TEXT NOT NULL,
    website     TEXT NOT NULL,
    health      TEXT NOT NULL,
    description TEXT NOT NULL,
    -- For the assessors alone.
    contact     TEXT NOT NULL
);

-- Who changed what of accounts and profiles.
CREATE TABLE deed (
    id      {key},
    at      BIGINT NOT NULL,
    account TEXT NOT NULL,
    what    TEXT NOT NULL,
    about   TEXT NOT NULL
);
