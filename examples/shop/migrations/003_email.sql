ALTER TABLE customers DROP CONSTRAINT IF EXISTS is_email,
    ADD CONSTRAINT is_email CHECK (email ~ '^[^@\s[:cntrl:]]+@[^@\s[:cntrl:]]+\.[^@\s[:cntrl:]]+$') NOT VALID;
