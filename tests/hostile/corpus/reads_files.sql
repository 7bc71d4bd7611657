-- BLOCKED
SELECT pg_read_file('/etc/passwd'), pg_ls_dir('/');
