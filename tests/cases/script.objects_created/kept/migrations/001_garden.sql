CREATE SCHEMA IF NOT EXISTS garden;
CREATE TABLE garden.beds (id integer PRIMARY KEY, "Plant" text UNIQUE);
CREATE INDEX ON garden.beds (lower("Plant"));
CREATE VIEW garden.names AS SELECT "Plant" FROM garden.beds;
CREATE TABLE garden.weeds (name text);
DROP TABLE garden.weeds;
