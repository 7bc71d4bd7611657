-- Plays one step of a flow for several lives, one after the other, and writes down what each play did and cost.
-- A row of pgcontract_lives is an actor with the values it knows by now; a row of pgcontract_plays is one play.
-- Both are temporary: what is written to them is in no log, so it colours no figure. PostgreSQL 15 to 18.
CREATE TEMPORARY TABLE pgcontract_lives (actor integer PRIMARY KEY, known jsonb NOT NULL);

CREATE TEMPORARY TABLE pgcontract_plays (
    actor integer, rows bigint, inserted bigint, updated bigint, deleted bigint, hot bigint, buffers bigint,
    wal_records bigint, wal_bytes bigint, images bigint, us float8, began text, ended text
);

-- `call` is a SELECT of the step's function with a %L for each of `parameters`. EXPLAIN counts what the whole call
-- does, with the triggers that fire after the statement, which the statement's own plan leaves out. The tuples are
-- those of the table that is `written`; where that is null the plays are not measured, only played.
CREATE PROCEDURE pg_temp.pgcontract_play(
    step text, call text, parameters text[], written text, actors integer[], committed boolean
)
LANGUAGE plpgsql
AS $play$
DECLARE
    tables CONSTANT oid[] := ARRAY(SELECT relid FROM pg_partition_tree(written::regclass)
                                   UNION SELECT written::regclass);
    life    record;
    before  record;
    after   record;
    told    jsonb;
    plan    jsonb;
    began   pg_lsn;
    ended   pg_lsn;
BEGIN
    SELECT sum(pg_stat_get_xact_tuples_inserted(t)) AS inserted, sum(pg_stat_get_xact_tuples_updated(t)) AS updated,
           sum(pg_stat_get_xact_tuples_deleted(t)) AS deleted, sum(pg_stat_get_xact_tuples_hot_updated(t)) AS hot
      INTO before FROM unnest(tables) AS t;
    FOR life IN SELECT actor, format(call, VARIADIC ARRAY(
                           SELECT CASE name WHEN 'event' THEN format('evt_%s_%s_1', actor, step) ELSE known ->> name END
                             FROM unnest(parameters) AS name)) AS words
                  FROM pg_temp.pgcontract_lives WHERE actor = ANY (actors) ORDER BY actor
    LOOP
        SET CONSTRAINTS ALL IMMEDIATE;  -- a deferred one would speak at COMMIT, where nothing is counted
        PERFORM set_config('pgcontract.kept', '', false), set_config('pgcontract.rows', '0', false);
        IF written IS NULL THEN
            EXECUTE life.words;
        ELSE
            began := pg_current_wal_insert_lsn();
            EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON) ' || life.words INTO told;
            ended := pg_current_wal_insert_lsn();
            SELECT sum(pg_stat_get_xact_tuples_inserted(t)) AS inserted,
                   sum(pg_stat_get_xact_tuples_updated(t)) AS updated,
                   sum(pg_stat_get_xact_tuples_deleted(t)) AS deleted,
                   sum(pg_stat_get_xact_tuples_hot_updated(t)) AS hot
              INTO after FROM unnest(tables) AS t;
            plan := told -> 0 -> 'Plan';
            INSERT INTO pg_temp.pgcontract_plays VALUES (
                life.actor, current_setting('pgcontract.rows')::bigint, after.inserted - before.inserted,
                after.updated - before.updated, after.deleted - before.deleted, after.hot - before.hot,
                (plan ->> 'Shared Hit Blocks')::bigint + (plan ->> 'Shared Read Blocks')::bigint,
                (plan ->> 'WAL Records')::bigint, (plan ->> 'WAL Bytes')::bigint, (plan ->> 'WAL FPI')::bigint,
                (told -> 0 ->> 'Execution Time')::float8 * 1000, began, ended
            );
            before := after;
        END IF;
        IF current_setting('pgcontract.kept') <> '' THEN
            UPDATE pg_temp.pgcontract_lives SET known = known || current_setting('pgcontract.kept')::jsonb
             WHERE actor = life.actor;
        END IF;
        IF committed THEN
            COMMIT;
        END IF;
    END LOOP;
END
$play$;
