-- The schemas and functions that a Supabase database has before any migration, run by who administers in a new
-- database that the migrating role owns. Only what migrations commonly lean on and a new project has; in our own words.
-- What its owner must switch on first (cron, net, pgsodium; webhooks are in a file of their own) is left out: with it a chain would pass here
-- that fails on a new project. Runs on 15 to 18, again and again, and where some of Supabase's roles are missing. The setting
-- pgcontract.migrator names who migrates, pgcontract.owners_server is on where the server is somebody's.
CREATE SCHEMA IF NOT EXISTS extensions;
CREATE SCHEMA IF NOT EXISTS auth;
CREATE SCHEMA IF NOT EXISTS storage;
CREATE SCHEMA IF NOT EXISTS realtime;
CREATE SCHEMA IF NOT EXISTS vault;
CREATE SCHEMA IF NOT EXISTS graphql;
CREATE SCHEMA IF NOT EXISTS graphql_public;

DO $platform$
BEGIN
    IF to_regtype('auth.aal_level') IS NULL THEN
        CREATE TYPE auth.aal_level AS ENUM ('aal1', 'aal2', 'aal3');
        CREATE TYPE auth.factor_type AS ENUM ('totp', 'webauthn', 'phone');
        CREATE TYPE auth.factor_status AS ENUM ('unverified', 'verified');
    END IF;
END
$platform$;

-- What sign-up fills; most projects' tables of people point at it, and their seeds fill it themselves.
CREATE TABLE IF NOT EXISTS auth.users (
    instance_id uuid,
    id uuid PRIMARY KEY,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_token varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token varchar(255),
    recovery_sent_at timestamptz,
    email_change_token_new varchar(255),
    email_change varchar(255),
    email_change_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text DEFAULT NULL UNIQUE,
    phone_confirmed_at timestamptz,
    phone_change text DEFAULT '',
    phone_change_token varchar(255) DEFAULT '',
    phone_change_sent_at timestamptz,
    confirmed_at timestamptz GENERATED ALWAYS AS (least(email_confirmed_at, phone_confirmed_at)) STORED,
    email_change_token_current varchar(255) DEFAULT '',
    email_change_confirm_status smallint DEFAULT 0 CHECK (email_change_confirm_status BETWEEN 0 AND 2),
    banned_until timestamptz,
    reauthentication_token varchar(255) DEFAULT '',
    reauthentication_sent_at timestamptz,
    is_sso_user boolean NOT NULL DEFAULT false,
    deleted_at timestamptz,
    is_anonymous boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_partial_key ON auth.users (email) WHERE NOT is_sso_user;

CREATE TABLE IF NOT EXISTS auth.identities (
    provider_id text NOT NULL,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    identity_data jsonb NOT NULL,
    provider text NOT NULL,
    last_sign_in_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    email text GENERATED ALWAYS AS (lower(identity_data ->> 'email')) STORED,
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    UNIQUE (provider_id, provider)
);
CREATE INDEX IF NOT EXISTS identities_user_id_idx ON auth.identities (user_id);
CREATE TABLE IF NOT EXISTS auth.sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    created_at timestamptz,
    updated_at timestamptz,
    factor_id uuid,
    aal auth.aal_level,
    not_after timestamptz,
    refreshed_at timestamp,
    user_agent text,
    ip inet,
    tag text
);
CREATE INDEX IF NOT EXISTS sessions_user_id_idx ON auth.sessions (user_id);
CREATE TABLE IF NOT EXISTS auth.refresh_tokens (
    instance_id uuid,
    id bigserial PRIMARY KEY,
    token varchar(255) UNIQUE,
    user_id varchar(255),
    revoked boolean,
    created_at timestamptz,
    updated_at timestamptz,
    parent varchar(255),
    session_id uuid REFERENCES auth.sessions (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS refresh_tokens_session_id_revoked_idx ON auth.refresh_tokens (session_id, revoked);
CREATE TABLE IF NOT EXISTS auth.mfa_factors (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    friendly_name text,
    factor_type auth.factor_type NOT NULL,
    status auth.factor_status NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    secret text,
    phone text,
    last_challenged_at timestamptz
);
CREATE INDEX IF NOT EXISTS mfa_factors_user_id_idx ON auth.mfa_factors (user_id);
CREATE TABLE IF NOT EXISTS auth.audit_log_entries (
    instance_id uuid,
    id uuid PRIMARY KEY,
    payload json,
    created_at timestamptz,
    ip_address varchar(64) NOT NULL DEFAULT ''
);

CREATE TABLE IF NOT EXISTS storage.buckets (
    id text PRIMARY KEY,
    name text NOT NULL UNIQUE,
    owner uuid,
    owner_id text,
    public boolean DEFAULT false,
    avif_autodetection boolean DEFAULT false,
    file_size_limit bigint,
    allowed_mime_types text[],
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS storage.objects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bucket_id text CONSTRAINT "objects_bucketId_fkey" REFERENCES storage.buckets (id),
    name text,
    owner uuid,
    owner_id text,
    metadata jsonb,
    user_metadata jsonb,
    path_tokens text[] GENERATED ALWAYS AS (string_to_array(name, '/')) STORED,
    version text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_accessed_at timestamptz DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS bucketid_objname ON storage.objects (bucket_id, name);
CREATE INDEX IF NOT EXISTS name_prefix_search ON storage.objects (name text_pattern_ops);
ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;

-- What is broadcast; its partitions, one a day, come and go with the service.
CREATE TABLE IF NOT EXISTS realtime.messages (
    topic text NOT NULL,
    extension text NOT NULL,
    payload jsonb,
    event text,
    private boolean DEFAULT false,
    updated_at timestamp NOT NULL DEFAULT now(),
    inserted_at timestamp NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    PRIMARY KEY (id, inserted_at)
) PARTITION BY RANGE (inserted_at);
ALTER TABLE realtime.messages ENABLE ROW LEVEL SECURITY;

-- Here secrets are kept as they are given; there they are encrypted in the table and readable in the view.
CREATE TABLE IF NOT EXISTS vault.secrets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text,
    description text NOT NULL DEFAULT '',
    secret text NOT NULL,
    key_id uuid,
    nonce bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS secrets_name_idx ON vault.secrets (name) WHERE name IS NOT NULL;
CREATE OR REPLACE VIEW vault.decrypted_secrets AS
SELECT id, name, description, secret, secret AS decrypted_secret, key_id, nonce, created_at, updated_at FROM vault.secrets;
CREATE OR REPLACE FUNCTION vault.create_secret(
    new_secret text, new_name text DEFAULT NULL, new_description text DEFAULT '', new_key_id uuid DEFAULT NULL
) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    INSERT INTO vault.secrets (secret, name, description, key_id)
    VALUES (new_secret, new_name, new_description, new_key_id) RETURNING id
$$;
CREATE OR REPLACE FUNCTION vault.update_secret(
    secret_id uuid, new_secret text DEFAULT NULL, new_name text DEFAULT NULL, new_description text DEFAULT NULL,
    new_key_id uuid DEFAULT NULL
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    UPDATE vault.secrets SET
        secret = coalesce(new_secret, secret), name = coalesce(new_name, name),
        description = coalesce(new_description, description), key_id = coalesce(new_key_id, key_id), updated_at = now()
    WHERE id = secret_id
$$;
REVOKE ALL ON FUNCTION vault.create_secret, vault.update_secret FROM PUBLIC;

-- The REST API sets request.jwt.claims for each request; an older one set a setting for each claim.
CREATE OR REPLACE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claims', true), ''), nullif(current_setting('request.jwt.claim', true), ''), '{}'
    )::jsonb
$$;
CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT nullif(coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), auth.jwt() ->> 'sub'), '')::uuid
$$;
CREATE OR REPLACE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claim.role', true), ''), auth.jwt() ->> 'role')
$$;
CREATE OR REPLACE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claim.email', true), ''), auth.jwt() ->> 'email')
$$;

-- Of `a/b/c.png`: the folders {a,b}, the file c.png, its extension png.
CREATE OR REPLACE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT (string_to_array(name, '/'))[: cardinality(string_to_array(name, '/')) - 1]
$$;
CREATE OR REPLACE FUNCTION storage.filename(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (string_to_array(name, '/'))[cardinality(string_to_array(name, '/'))]
$$;
CREATE OR REPLACE FUNCTION storage.extension(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT reverse(split_part(reverse(storage.filename(name)), '.', 1))
$$;
CREATE OR REPLACE FUNCTION storage.operation() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('storage.operation', true), '')
$$;
CREATE OR REPLACE FUNCTION realtime.topic() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('realtime.topic', true), '')
$$;
-- Nobody listens here, and there whoever sends is not told of a failure either.
CREATE OR REPLACE FUNCTION realtime.send(payload jsonb, event text, topic text, private boolean DEFAULT true)
RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE OR REPLACE FUNCTION realtime.broadcast_changes(
    topic_name text, event_name text, operation text, table_name text, table_schema text, new record, old record,
    level text DEFAULT 'ROW'
) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE OR REPLACE FUNCTION graphql_public.graphql(
    "operationName" text DEFAULT NULL, query text DEFAULT NULL, variables jsonb DEFAULT NULL, extensions jsonb DEFAULT NULL
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"errors": [{"message": "GraphQL is not switched on"}]}'::jsonb
$$;

DO $platform$
DECLARE
    migrator text := current_setting('pgcontract.migrator');
    api text := (
        SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    );
    auth_owner text := migrator;
    auth_table regclass;
    kind text;
BEGIN
    EXECUTE format('GRANT ALL ON SCHEMA public, extensions TO %I', migrator);
    EXECUTE format('GRANT USAGE ON SCHEMA auth, realtime, vault, graphql, graphql_public TO %I', migrator);
    EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA auth TO %I', migrator);
    EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA auth TO %I', migrator);
    EXECUTE format('GRANT SELECT, DELETE ON vault.secrets, vault.decrypted_secrets TO %I WITH GRANT OPTION', migrator);
    EXECUTE format('GRANT EXECUTE ON FUNCTION vault.create_secret, vault.update_secret TO %I WITH GRANT OPTION', migrator);
    -- There a migration may make policies on files and messages though others own them; here nobody but an owner may.
    EXECUTE format('GRANT CREATE ON SCHEMA realtime TO %I', migrator);  -- as whoever is to own a thing in it needs
    EXECUTE format('ALTER TABLE realtime.messages OWNER TO %I', migrator);
    EXECUTE format('REVOKE CREATE ON SCHEMA realtime FROM %I', migrator);
    EXECUTE format('ALTER SCHEMA storage OWNER TO %I', migrator);
    EXECUTE format('ALTER TABLE storage.buckets OWNER TO %I', migrator);
    EXECUTE format('ALTER TABLE storage.objects OWNER TO %I', migrator);
    -- auth's tables are its administrator's. There postgres makes and drops triggers and policies on them without being
    -- their owner, and alters nothing: here it has the owner's rights, and an event trigger refuses what else they allow.
    -- Where these roles are somebody's, they are given to nobody, and the tables are the migrator's own.
    -- So they are before 16, where who has a role's rights may also be that role.
    IF current_setting('pgcontract.owners_server', true) IS DISTINCT FROM 'on'
       AND to_regrole('supabase_auth_admin') IS NOT NULL AND current_setting('server_version_num')::int >= 160000 THEN
        auth_owner := 'supabase_auth_admin';
        EXECUTE format('GRANT supabase_auth_admin TO %I WITH INHERIT TRUE, SET FALSE', migrator);
    END IF;
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA auth TO %I', auth_owner);
    FOR auth_table IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', auth_table, auth_owner);
        EXECUTE format('GRANT ALL ON %s TO %I', auth_table, migrator);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON SCHEMA auth FROM %I', auth_owner);
    -- Tables are added to it one by one: ALTER PUBLICATION supabase_realtime ADD TABLE.
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
        CREATE PUBLICATION supabase_realtime;
    END IF;
    EXECUTE format('ALTER PUBLICATION supabase_realtime OWNER TO %I', migrator);
    IF api IS NOT NULL THEN
        EXECUTE format('GRANT USAGE ON SCHEMA public, extensions, auth, storage, realtime, graphql_public TO %s', api);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON realtime.messages TO %s', api);
        EXECUTE format('GRANT ALL ON storage.buckets, storage.objects TO %s', api);
        -- Until 2026-05-30 (for projects made before it: until 2026-10-30) whatever the migrating role creates in
        -- public is granted to the three API roles.
        FOREACH kind IN ARRAY ARRAY['TABLES', 'FUNCTIONS', 'SEQUENCES'] LOOP
            EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT ALL ON %s TO %s', migrator, kind, api);
        END LOOP;
    END IF;
END
$platform$;

CREATE OR REPLACE FUNCTION extensions.pgcontract_refuse_as_platform() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = '' AS $function$
DECLARE
    altered text;
    given record;
    command record;
    on_table oid;
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    IF TG_TAG = 'GRANT' THEN
        -- Who is no owner there, and has no grant option, gives nothing away, and is warned. What the owner there holds
        -- stays its own, whoever is the owner here.
        FOR given IN
            SELECT DISTINCT c.relname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END AS grantee
              FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a
             WHERE c.relnamespace = 'auth'::pg_catalog.regnamespace AND c.relkind = 'r'
               AND a.grantee NOT IN (c.relowner, session_user::pg_catalog.regrole,
                                     coalesce(pg_catalog.to_regrole('supabase_auth_admin'), c.relowner))
        LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON auth.%I FROM %s', given.relname, given.grantee);
            RAISE WARNING 'no privileges were granted for "%"', given.relname;
        END LOOP;
        RETURN;
    END IF;
    IF TG_EVENT = 'sql_drop' THEN
        SELECT object_identity INTO altered FROM pg_catalog.pg_event_trigger_dropped_objects()
         WHERE schema_name = 'auth' AND original AND object_type IN ('table', 'index', 'sequence');
    ELSE
        -- One by one: who joins what a command altered with the catalog reads all of it, at every command.
        FOR command IN
            SELECT classid, objid, command_tag FROM pg_catalog.pg_event_trigger_ddl_commands()
             WHERE classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_trigger'::pg_catalog.regclass)
        LOOP
            IF command.classid = 'pg_catalog.pg_class'::pg_catalog.regclass THEN
                on_table := coalesce(
                    (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = command.objid), command.objid);
            ELSE
                CONTINUE WHEN command.command_tag = 'CREATE TRIGGER';
                on_table := (SELECT tgrelid FROM pg_catalog.pg_trigger WHERE oid = command.objid);
            END IF;
            SELECT relname INTO altered FROM pg_catalog.pg_class
             WHERE oid = on_table AND relnamespace = 'auth'::pg_catalog.regnamespace AND relkind = 'r';
            EXIT WHEN altered IS NOT NULL;
        END LOOP;
    END IF;
    IF altered IS NOT NULL THEN
        RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('must be owner of table %s', altered);
    END IF;
END
$function$;

-- There ALTER EXTENSION is run as a superuser for whoever migrates; here who moves an extension must own what is in it.
CREATE OR REPLACE FUNCTION extensions.pgcontract_give_extension() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $function$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT CASE WHEN object.type IN ('function', 'aggregate', 'procedure') THEN 'ROUTINE'
                    ELSE pg_catalog.upper(object.type) END AS kind,
               object.identity, pg_catalog.pg_get_userbyid(extension.extowner) AS owner
          FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
          JOIN pg_catalog.pg_extension AS extension ON extension.oid = command.objid AND extension.extrelocatable
          JOIN pg_catalog.pg_depend AS d
            ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = extension.oid AND d.deptype = 'e'
         CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS object
         WHERE command.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND object.type IN ('function', 'aggregate', 'procedure', 'type', 'domain', 'operator', 'operator class',
                               'operator family', 'table', 'view', 'sequence')
           AND object.identity NOT LIKE '%[]'  -- an array's type is its element's owner's, as a row's is its table's
           AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid AND c.relkind <> 'c'
                WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.objid)
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO %I', member.kind, member.identity, member.owner);
    END LOOP;
END
$function$;

DO $platform$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'pgcontract_refuse_alter') THEN
        CREATE EVENT TRIGGER pgcontract_give_extension ON ddl_command_end WHEN TAG IN ('CREATE EXTENSION')
            EXECUTE FUNCTION extensions.pgcontract_give_extension();
        CREATE EVENT TRIGGER pgcontract_refuse_alter ON ddl_command_end
            EXECUTE FUNCTION extensions.pgcontract_refuse_as_platform();
        CREATE EVENT TRIGGER pgcontract_refuse_drop ON sql_drop
            EXECUTE FUNCTION extensions.pgcontract_refuse_as_platform();
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN NULL;  -- a superuser alone makes these
END
$platform$;

-- Every project has these from the start, so migrations call uuid_generate_v4() and gen_random_bytes() without a word, and
-- a dump of a project creates each again IF NOT EXISTS.
DO $platform$
DECLARE
    extension name;
    home name;
BEGIN
    FOR extension, home IN
        SELECT name, preinstalled.home
        FROM pg_available_extensions JOIN (VALUES
            ('pgcrypto', 'extensions'), ('uuid-ossp', 'extensions'), ('pg_graphql', 'graphql'),
            ('supabase_vault', 'vault')
        ) AS preinstalled (name, home) USING (name)
        WHERE installed_version IS NULL ORDER BY name
    LOOP
        -- As who migrates, who may move and drop them there; before 18 not every one lets him here.
        BEGIN
            IF current_setting('pgcontract.owners_server', true) IS DISTINCT FROM 'on' THEN
                PERFORM set_config('role', current_setting('pgcontract.migrator'), true);
            END IF;
            EXECUTE format('CREATE EXTENSION %I SCHEMA %I', extension, home);
            PERFORM set_config('role', 'none', true);
        EXCEPTION
            WHEN insufficient_privilege THEN
                PERFORM set_config('role', 'none', true);
                IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                    EXECUTE format('CREATE EXTENSION %I SCHEMA %I', extension, home);
                END IF;
        END;
    END LOOP;
END
$platform$;
