-- BLOCKED
CREATE SUBSCRIPTION taken CONNECTION 'dbname=precious user=keeper' PUBLICATION p;
