-- BLOCKED
ALTER ROLE ALL SET statement_timeout = 1;
