-- Whether the contact of a subject asked for mail about what changes.
ALTER TABLE profile ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
