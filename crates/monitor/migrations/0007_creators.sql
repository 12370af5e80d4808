-- Which checker made a report, with its revision; none where the report does not say.
ALTER TABLE report ADD COLUMN creator TEXT;
