BEGIN;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
CREATE TYPE color AS ENUM ('RED', 'GREEN');
CREATE TABLE node (
    id SERIAL NOT NULL,
    parent_id INTEGER,
    name VARCHAR(30) COLLATE "C",
    color color,
    weight FLOAT DEFAULT 1.5 NOT NULL,
    data BYTEA,
    active BOOLEAN DEFAULT true NOT NULL CONSTRAINT active_known CHECK (active IN (true, false)),
    made_at TIMESTAMP WITHOUT TIME ZONE DEFAULT timezone('utc', now()),
    PRIMARY KEY (id),
    FOREIGN KEY(parent_id) REFERENCES node (id),
    CHECK (weight BETWEEN 0 AND 1e3),
    UNIQUE (name, parent_id)
);
CREATE INDEX ix_node_name ON node (name text_pattern_ops);
INSERT INTO alembic_version (version_num) VALUES ('ae1027a6acf');
COMMIT;
----
BEGIN;
ALTER TABLE node ADD COLUMN kind VARCHAR(10) DEFAULT 'leaf' NOT NULL;
ALTER TABLE node ADD CONSTRAINT ck_kind CHECK (kind IN ('leaf', 'root') AND (kind <> 'root' OR parent_id IS NULL));
ALTER TABLE node ALTER COLUMN weight TYPE NUMERIC(6, 2) USING weight::numeric;
ALTER TABLE node DROP CONSTRAINT node_name_parent_id_key;
UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'ae1027a6acf';
COMMIT;
