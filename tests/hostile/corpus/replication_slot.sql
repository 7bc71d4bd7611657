-- BLOCKED
SELECT pg_create_logical_replication_slot('taken', 'pgoutput'), pg_create_physical_replication_slot('taken2', true);
