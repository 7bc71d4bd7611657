CREATE SCHEMA app;
CREATE DOMAIN app.email AS varchar(254) CHECK (VALUE ~ '^[^@]+@[^@]+$') CONSTRAINT short CHECK (length(VALUE) < 200);
CREATE DOMAIN app.cents AS bigint NOT NULL DEFAULT 0;
CREATE TYPE app.money AS (amount numeric(12, 2), currency char(3));
CREATE TYPE app.spans AS RANGE (subtype = timestamptz);
CREATE TABLE app.events (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 CACHE 5),
    at timestamptz NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    kind varchar(20) NOT NULL CHECK (kind IN ('a', 'b') OR kind LIKE 'x%'),
    price app.money, owed app.cents, mail app.email DEFAULT 'a@b'::varchar, span app.spans, days int4range[],
    half numeric GENERATED ALWAYS AS (id / 2.0) STORED,
    PRIMARY KEY (id, at, kind)
) PARTITION BY RANGE (at);
CREATE TABLE app.events_old PARTITION OF app.events FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE app.events_new PARTITION OF app.events (CONSTRAINT more CHECK (owed > 0)) FOR VALUES FROM ('2024-01-01') TO (MAXVALUE) PARTITION BY LIST (kind);
CREATE TABLE app.events_new_a PARTITION OF app.events_new FOR VALUES IN ('a', 'b');
CREATE TABLE app.events_new_rest PARTITION OF app.events_new DEFAULT;
CREATE INDEX ON app.events (kind, lower(mail::text)) WHERE kind <> 'a';
CREATE TABLE app.rooms (room int, during tstzrange, EXCLUDE USING gist (during WITH &&) WHERE (room > 0));
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF kind, owed ON app.events FOR EACH ROW WHEN (NEW.kind IN ('a', 'b')) EXECUTE FUNCTION app.touch('x', 'it''s');
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.rooms DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE MATERIALIZED VIEW app.daily WITH (fillfactor = 80) AS SELECT date_trunc('day', at) AS day, count(*) FILTER (WHERE kind = ANY ('{a,b}')) AS n FROM app.events GROUP BY 1;
CREATE UNIQUE INDEX ON app.daily (day);
CREATE VIEW app.a WITH (security_barrier, security_invoker = true) AS SELECT id, kind FROM app.events WHERE kind IN ('a', 'b') WITH CASCADED CHECK OPTION;
CREATE PROCEDURE app.clean(IN days int DEFAULT 30, INOUT n bigint DEFAULT 0) LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM app.rooms WHERE room > days; END;
CREATE AGGREGATE app.total(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0');
CREATE STATISTICS app.st (dependencies) ON kind, owed FROM app.events;
CREATE SEQUENCE app.numbers AS smallint INCREMENT BY -1 CYCLE;
ALTER TABLE app.rooms ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON app.rooms AS RESTRICTIVE FOR ALL USING (room IN (1, 2) AND CURRENT_USER = 'x') WITH CHECK (during IS NOT NULL);
CREATE RULE keep AS ON DELETE TO app.rooms DO INSTEAD NOTHING;
COMMENT ON DOMAIN app.email IS 'Where to write'; COMMENT ON CONSTRAINT short ON DOMAIN app.email IS 'Not long';
COMMENT ON TRIGGER touch ON app.events IS 'Keeps at'; COMMENT ON POLICY p ON app.rooms IS 'Two rooms';
COMMENT ON FUNCTION app.touch() IS 'It is now'; COMMENT ON COLUMN app.daily.n IS 'How many'; COMMENT ON SEQUENCE app.numbers IS 'Down';
COMMENT ON SCHEMA app IS 'All'; COMMENT ON RULE keep ON app.rooms IS 'For ever'; COMMENT ON COLUMN app.money.amount IS 'Of it';
----
ALTER TABLE app.events DETACH PARTITION app.events_old;
ALTER TABLE app.rooms SET SCHEMA public;
ALTER DOMAIN app.email DROP CONSTRAINT short;
ALTER DOMAIN app.email RENAME TO mail;
ALTER SCHEMA app RENAME TO shop;
ALTER FUNCTION shop.touch() RENAME TO stamp;
ALTER SEQUENCE shop.numbers RENAME TO counts;
ALTER VIEW shop.a RENAME COLUMN kind TO sort;
ALTER TRIGGER touch ON shop.events RENAME TO stamp;
ALTER POLICY p ON rooms RENAME TO two;
ALTER TYPE shop.money RENAME ATTRIBUTE amount TO much;
ALTER TABLE shop.events RENAME COLUMN owed TO due;
DROP PROCEDURE shop.clean; DROP AGGREGATE shop.total(numeric); DROP STATISTICS shop.st; DROP RULE keep ON rooms;
