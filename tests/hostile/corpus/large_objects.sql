-- BLOCKED
SELECT lo_create(4711); SELECT lo_put(4711, 0, 'hostile'); SELECT lo_unlink(4712);
