-- BLOCKED
GRANT SET, ALTER SYSTEM ON PARAMETER work_mem TO CURRENT_USER; SET session_replication_role = replica;
