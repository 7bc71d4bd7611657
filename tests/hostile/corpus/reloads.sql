-- BLOCKED
SELECT pg_reload_conf(), pg_rotate_logfile(), pg_stat_reset(), pg_switch_wal();
