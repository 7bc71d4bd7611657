-- What a Supabase project has once its owner switched on Database Webhooks: the function of their triggers, with the
-- refusals of the real one. What it would send is written down, and nobody sends it. Runs on 15 to 18, again and again.
CREATE SCHEMA IF NOT EXISTS supabase_functions;
CREATE TABLE IF NOT EXISTS supabase_functions.hooks (
    id bigserial PRIMARY KEY,
    hook_table_id integer NOT NULL,
    hook_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    request_id bigint
);
CREATE OR REPLACE FUNCTION supabase_functions.http_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $function$
DECLARE
    url text := nullif(TG_ARGV[0], 'null');
    method text := nullif(TG_ARGV[1], 'null');
BEGIN
    IF url IS NULL THEN
        RAISE EXCEPTION 'url argument is missing';
    ELSIF method IS NULL THEN
        RAISE EXCEPTION 'method argument is missing';
    ELSIF method NOT IN ('GET', 'POST') THEN
        RAISE EXCEPTION 'method argument % is invalid', method;
    END IF;
    PERFORM nullif(TG_ARGV[2], 'null')::jsonb, nullif(TG_ARGV[3], 'null')::jsonb, nullif(TG_ARGV[4], 'null')::integer;
    INSERT INTO supabase_functions.hooks (hook_table_id, hook_name) VALUES (TG_RELID::bigint, TG_NAME);
    RETURN NEW;
END
$function$;

DO $platform$
DECLARE
    users text := (
        SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM pg_roles
        WHERE rolname IN (current_setting('pgcontract.migrator'), 'anon', 'authenticated', 'service_role')
    );
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA supabase_functions TO %s', users);
END
$platform$;
