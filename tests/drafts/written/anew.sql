CREATE TABLE gone (id integer PRIMARY KEY, a text, b text DEFAULT 'x', c integer);
CREATE TABLE named (id integer PRIMARY KEY, a text, b text, c integer, d text);
CREATE VIEW seen AS SELECT a, b FROM named;
CREATE TABLE parent (id integer, kind text, gone text) PARTITION BY LIST (kind);
CREATE TABLE child PARTITION OF parent FOR VALUES IN ('a');
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA app; CREATE TABLE app.inner (id serial PRIMARY KEY, ref integer REFERENCES gone (id));
---- made anew, in another order
ALTER TABLE app.inner DROP CONSTRAINT inner_ref_fkey;
DROP TABLE gone;
CREATE TABLE gone (c integer, a text NOT NULL, id bigint PRIMARY KEY, more text);
DO $$ BEGIN EXECUTE format('ALTER TABLE %I RENAME COLUMN b TO %I', 'named', 'B b'); END $$;
DROP VIEW seen;
CREATE VIEW seen AS SELECT c, a FROM named;
ALTER TABLE parent DROP COLUMN gone;
ALTER TABLE child RENAME TO kid;
ALTER TABLE app.inner SET SCHEMA public;
DROP FUNCTION f(integer);
CREATE FUNCTION f(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT 2';
---- and away
ALTER TABLE named RENAME TO name; ALTER TABLE name RENAME TO named;
DROP TABLE "inner"; DROP SCHEMA app;
ALTER TABLE gone RENAME TO back; ALTER TABLE back RENAME c TO d;
