-- Of what was handed in, what whoever runs the monitor did not want to keep for ever: the text. Its digest, and that of the
-- results it held, are in the log.
CREATE TABLE let_go (
    submission BIGINT PRIMARY KEY REFERENCES submission (id),
    at         BIGINT NOT NULL
);

CREATE INDEX report_of_submission ON report (submission);
