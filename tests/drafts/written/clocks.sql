CREATE TABLE entries (id integer PRIMARY KEY, made timestamptz NOT NULL DEFAULT 'now', day date DEFAULT 'today', at timestamp DEFAULT 'yesterday'::timestamp, live timestamptz DEFAULT now(), text text DEFAULT 'now', old date DEFAULT '2020-02-29', CHECK (made < 'tomorrow'::timestamptz));
CREATE INDEX ON entries (id) WHERE made > '2024-01-01';
CREATE VIEW recent AS SELECT id FROM entries WHERE made > timestamptz 'today';
----
START TRANSACTION;
ALTER TABLE entries ADD COLUMN later timestamptz DEFAULT timestamptz 'now';
ALTER TABLE entries ALTER COLUMN day SET DEFAULT CURRENT_DATE;
END;
