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
