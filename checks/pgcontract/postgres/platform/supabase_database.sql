-- The schemas and functions that a Supabase database has before any migration, run by who administers in a new
-- database that the migrating role owns. Only what migrations commonly lean on; in our own words. Runs on 15 to 18,
-- again and again, and where some of Supabase's roles are missing. The setting pgcontract.migrator names who migrates.
CREATE SCHEMA IF NOT EXISTS extensions;
CREATE SCHEMA IF NOT EXISTS auth;
CREATE SCHEMA IF NOT EXISTS storage;
CREATE SCHEMA IF NOT EXISTS realtime;

-- Every project has these from the start, so migrations call uuid_generate_v4() and gen_random_bytes() without a word.
DO $platform$
DECLARE
    extension name;
BEGIN
    FOR extension IN
        SELECT name FROM pg_available_extensions
        WHERE name IN ('pgcrypto', 'uuid-ossp') AND installed_version IS NULL ORDER BY name
    LOOP
        EXECUTE format('CREATE EXTENSION %I SCHEMA extensions', extension);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN NULL;
END
$platform$;

-- What sign-up fills; most projects' tables of people point at it.
CREATE TABLE IF NOT EXISTS auth.users (
    instance_id uuid,
    id uuid PRIMARY KEY,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text UNIQUE,
    phone_confirmed_at timestamptz,
    banned_until timestamptz,
    is_sso_user boolean NOT NULL DEFAULT false,
    deleted_at timestamptz,
    is_anonymous boolean NOT NULL DEFAULT false
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
    bucket_id text REFERENCES storage.buckets (id),
    name text,
    owner uuid,
    owner_id text,
    metadata jsonb,
    user_metadata jsonb,
    version text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    last_accessed_at timestamptz DEFAULT now()
);
ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;

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
CREATE OR REPLACE FUNCTION realtime.topic() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('realtime.topic', true), '')
$$;

DO $platform$
DECLARE
    migrator text := current_setting('pgcontract.migrator');
    api text := (
        SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    );
    kind text;
BEGIN
    EXECUTE format('GRANT ALL ON SCHEMA public, extensions TO %I', migrator);
    EXECUTE format('GRANT USAGE ON SCHEMA auth, realtime TO %I', migrator);
    EXECUTE format('GRANT ALL ON auth.users TO %I', migrator);
    -- There a migration may make policies on its files though others own them; here nobody but an owner may.
    EXECUTE format('ALTER SCHEMA storage OWNER TO %I', migrator);
    EXECUTE format('ALTER TABLE storage.buckets OWNER TO %I', migrator);
    EXECUTE format('ALTER TABLE storage.objects OWNER TO %I', migrator);
    -- Tables are added to it one by one: ALTER PUBLICATION supabase_realtime ADD TABLE.
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
        CREATE PUBLICATION supabase_realtime;
    END IF;
    EXECUTE format('ALTER PUBLICATION supabase_realtime OWNER TO %I', migrator);
    IF api IS NOT NULL THEN
        EXECUTE format('GRANT USAGE ON SCHEMA public, extensions, auth, storage, realtime TO %s', api);
        EXECUTE format('GRANT ALL ON storage.buckets, storage.objects TO %s', api);
        -- Until 2026-05-30 (for projects made before it: until 2026-10-30) whatever the migrating role creates in
        -- public is granted to the three API roles.
        FOREACH kind IN ARRAY ARRAY['TABLES', 'FUNCTIONS', 'SEQUENCES'] LOOP
            EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT ALL ON %s TO %s', migrator, kind, api);
        END LOOP;
    END IF;
END
$platform$;
