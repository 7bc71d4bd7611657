-- CAUTION
SELECT pg_advisory_lock(4711), pg_advisory_unlock_all(), pg_advisory_lock(hashtext('precious'));
