-- uuid-ossp's functions in SQL, for a server that was built without it; each gives what uuid-ossp gives. What calls another
-- of them is bound to it when it is made, so that the extension may move.
CREATE FUNCTION uuid_nil() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;
CREATE FUNCTION uuid_ns_dns() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_url() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_oid() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_x500() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN pg_catalog.gen_random_uuid();
-- Of hundreds of nanoseconds since 1582-10-15, and a node that is at random, as its multicast bit says.
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    ticks constant text := pg_catalog.lpad(pg_catalog.to_hex(
        (extract(epoch FROM pg_catalog.clock_timestamp()) * 10000000)::bigint + 122192928000000000), 15, '0');
    random constant text := pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '');
BEGIN
    RETURN (pg_catalog.substr(ticks, 8, 8) || pg_catalog.substr(ticks, 4, 4) || '1' || pg_catalog.substr(ticks, 1, 3)
        || pg_catalog.substr(random, 17, 4) || '01' || pg_catalog.substr(random, 23, 10))::uuid;
END
$$;
CREATE FUNCTION uuid_generate_v1() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN uuid_generate_v1mc();
CREATE FUNCTION _named(hash text, version text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (pg_catalog.left(hash, 12) || version || pg_catalog.substr(hash, 14, 3)
        || pg_catalog.to_hex(8 | (('x0' || pg_catalog.substr(hash, 17, 1))::bit(8)::int & 3))
        || pg_catalog.substr(hash, 18, 15))::uuid;
CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN _named(
        pg_catalog.md5(pg_catalog.uuid_send(namespace) || pg_catalog.convert_to(name, 'UTF8')), '3');
CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN _named(pg_catalog.encode(
        _uuid_sha1(pg_catalog.uuid_send(namespace) || pg_catalog.convert_to(name, 'UTF8')), 'hex'), '5');
