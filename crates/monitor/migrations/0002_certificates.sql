-- What somebody asked to have certified (scs-0004).
CREATE TABLE application (
    id           {key},
    uuid         TEXT NOT NULL UNIQUE,
    subject      BIGINT NOT NULL REFERENCES subject (id),
    scope        BIGINT NOT NULL REFERENCES scope (id),
    version      TEXT NOT NULL,
    organisation TEXT NOT NULL,
    -- Which regions and configurations.
    covers       TEXT NOT NULL,
    -- For the assessors alone.
    contact      TEXT NOT NULL,
    course       TEXT NOT NULL
);

CREATE INDEX application_of_subject ON application (subject);

-- What was done with it, in order.
CREATE TABLE application_move (
    application BIGINT NOT NULL REFERENCES application (id),
    number      BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    account     TEXT NOT NULL,
    move        TEXT NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (application, number)
);

CREATE TABLE certificate (
    -- Its number for people, too.
    id           {key},
    uuid         TEXT NOT NULL UNIQUE,
    application  BIGINT NOT NULL REFERENCES application (id),
    subject      BIGINT NOT NULL REFERENCES subject (id),
    scope        BIGINT NOT NULL REFERENCES scope (id),
    version      TEXT NOT NULL,
    organisation TEXT NOT NULL,
    covers       TEXT NOT NULL,
    -- Days, counted from the first of 1970.
    valid_from   BIGINT NOT NULL,
    valid_until  BIGINT NOT NULL,
    -- The document as it was signed.
    document     TEXT NOT NULL,
    revoked_at   BIGINT,
    reason       TEXT
);

CREATE INDEX certificate_of_subject ON certificate (subject, scope);
