-- pg_cron's table and functions: jobs are written down, and never run.
CREATE SCHEMA cron;
CREATE SEQUENCE cron.jobid_seq;
CREATE TABLE cron.job (
    jobid bigint PRIMARY KEY DEFAULT nextval('cron.jobid_seq'),
    schedule text NOT NULL,
    command text NOT NULL,
    nodename text NOT NULL DEFAULT 'localhost',
    nodeport int NOT NULL DEFAULT 5432,
    database text NOT NULL DEFAULT current_database(),
    username text NOT NULL DEFAULT CURRENT_USER,
    active boolean NOT NULL DEFAULT true,
    jobname text,
    CONSTRAINT jobname_username_uniq UNIQUE (jobname, username)
);
ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY cron_job_policy ON cron.job USING (username = CURRENT_USER);
CREATE SEQUENCE cron.runid_seq;
CREATE TABLE cron.job_run_details (
    jobid bigint,
    runid bigint PRIMARY KEY DEFAULT nextval('cron.runid_seq'),
    job_pid int,
    database text,
    username text,
    command text,
    status text,
    return_message text,
    start_time timestamptz,
    end_time timestamptz
);
ALTER TABLE cron.job_run_details ENABLE ROW LEVEL SECURITY;
CREATE POLICY cron_job_run_details_policy ON cron.job_run_details USING (username = CURRENT_USER);
GRANT USAGE ON SCHEMA cron TO PUBLIC;
GRANT SELECT ON cron.job TO PUBLIC;
GRANT SELECT, DELETE ON cron.job_run_details TO PUBLIC;

-- Minutes, hours, days, months and days of the week, each within its bounds; names of the last two alone.
CREATE FUNCTION cron._is_in_bounds(schedule text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT bool_and(
        NOT EXISTS (SELECT FROM regexp_matches(part, '(?<![/\d])\d+', 'g') AS m WHERE m[1]::numeric NOT BETWEEN low AND high)
        AND NOT EXISTS (SELECT FROM regexp_matches(part, '[a-z]+', 'g') AS m WHERE m[1] <> ALL (string_to_array(names, ' ')))
        AND part !~ '/0+(,|$)')
      FROM (VALUES
        (1, 0, 59, ''), (2, 0, 23, ''), (3, 1, 31, ''), (4, 1, 12, 'jan feb mar apr may jun jul aug sep oct nov dec'),
        (5, 0, 7, 'sun mon tue wed thu fri sat')
      ) AS field (place, low, high, names)
      JOIN regexp_split_to_table(lower(btrim(schedule, E' \t\n')), '\s+') WITH ORDINALITY AS parts (part, place) USING (place)
$$;

CREATE FUNCTION cron._schedule(name text, schedule text, command text, database text, username text, active boolean)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    field constant text := '(\*|\d+(-\d+)?|[a-z]{3}(-[a-z]{3})?)(/\d+)?';
    id bigint;
BEGIN
    IF (lower(schedule) !~ format('^\s*(%s(,%s)*)(\s+(%s|\$)(,(%s))*){4}\s*$', field, field, field, field)
        OR NOT cron._is_in_bounds(schedule))
       AND lower(schedule) !~ '^\s*([1-9]|[1-5]\d)\s+seconds?\s*$'
       AND lower(schedule) !~ '^@(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)$' THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('invalid schedule: %s', schedule),
            HINT = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
    END IF;
    INSERT INTO cron.job AS j (schedule, command, database, username, active, jobname)
    VALUES (schedule, command, coalesce(database, current_database()), coalesce(username, session_user), active, name)
    ON CONFLICT ON CONSTRAINT jobname_username_uniq DO UPDATE
       SET schedule = excluded.schedule, command = excluded.command, active = excluded.active
    RETURNING j.jobid INTO id;
    RETURN id;
END
$$;
CREATE FUNCTION cron.schedule(schedule text, command text) RETURNS bigint LANGUAGE sql STRICT SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT cron._schedule(NULL, schedule, command, NULL, NULL, true)
$$;
CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT cron._schedule(job_name, schedule, command, NULL, NULL, true)
$$;
CREATE FUNCTION cron.schedule_in_database(
    job_name text, schedule text, command text, database text, username text DEFAULT NULL, active boolean DEFAULT true
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT cron._schedule(job_name, schedule, command, database, username, active)
$$;
CREATE FUNCTION cron.unschedule(job_id bigint) RETURNS boolean
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM cron.job WHERE jobid = job_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('could not find valid entry for job ''%s''', job_id);
    END IF;
    RETURN true;
END
$$;
CREATE FUNCTION cron.unschedule(job_name text) RETURNS boolean
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM cron.job WHERE jobname = job_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('could not find valid entry for job ''%s''', job_name);
    END IF;
    RETURN true;
END
$$;
CREATE FUNCTION cron.alter_job(
    job_id bigint, schedule text DEFAULT NULL, command text DEFAULT NULL, database text DEFAULT NULL,
    username text DEFAULT NULL, active boolean DEFAULT NULL
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE cron.job AS j SET
        schedule = coalesce($2, j.schedule), command = coalesce($3, j.command), database = coalesce($4, j.database),
        username = coalesce($5, j.username), active = coalesce($6, j.active)
    WHERE jobid = job_id
$$;
REVOKE ALL ON FUNCTION cron._is_in_bounds, cron._schedule, cron.alter_job, cron.schedule_in_database FROM PUBLIC;
DO $extension$
DECLARE
    whoever_migrates text := session_user;
BEGIN
    EXECUTE format('GRANT ALL ON SCHEMA cron TO %I WITH GRANT OPTION', whoever_migrates);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cron TO %I WITH GRANT OPTION', whoever_migrates);
    EXECUTE format('GRANT ALL ON cron.job_run_details TO %I WITH GRANT OPTION', whoever_migrates);
    EXECUTE format('GRANT SELECT ON cron.job TO %I WITH GRANT OPTION', whoever_migrates);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA cron TO %I', whoever_migrates);
END
$extension$;
