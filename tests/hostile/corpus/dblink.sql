-- BLOCKED
CREATE EXTENSION dblink; SELECT dblink_exec('dbname=precious user=keeper', 'DROP TABLE treasure');
