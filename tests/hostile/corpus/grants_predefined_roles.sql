-- INCOMPLETE
GRANT pg_read_all_data, pg_signal_backend TO CURRENT_USER;
