CREATE SCHEMA billing;
CREATE EXTENSION pg_trgm WITH SCHEMA billing;
CREATE ROLE collector NOLOGIN;

ALTER ROLE collector SET statement_timeout = '5s';
CREATE TABLE billing.dues (city text, zip text);
CREATE STATISTICS billing.dues_place (dependencies) ON city, zip FROM billing.dues;
CREATE PUBLICATION dues_out FOR TABLE billing.dues WITH (publish = 'insert');
ALTER DEFAULT PRIVILEGES IN SCHEMA billing GRANT SELECT ON TABLES TO collector;
CREATE COLLATION billing.plain FROM "C";
