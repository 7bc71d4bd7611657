-- pgcrypto's functions in SQL, for a server that was built without it: same names, arguments, refusals and shape of results.
-- digest, hmac, gen_random_bytes and armor give what pgcrypto gives; crypt and what encrypts agree with themselves alone. What
-- calls another of them is bound to it when it is made, so that the extension may move.
CREATE FUNCTION _refuse(code text, words text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = words;
END
$$;
CREATE FUNCTION digest(data bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE lower(type)
    WHEN 'md5' THEN decode(md5(data), 'hex') WHEN 'sha1' THEN _pgcrypto_sha1(data) WHEN 'sha224' THEN sha224(data)
    WHEN 'sha256' THEN sha256(data) WHEN 'sha384' THEN sha384(data) WHEN 'sha512' THEN sha512(data)
    ELSE _refuse('22023', format('Cannot use "%s": No such hash algorithm', type)) END;
CREATE FUNCTION digest(data text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN digest(convert_to(data, 'UTF8'), type);
CREATE FUNCTION _padded(secret bytea, size int, with_byte int) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT decode(string_agg(lpad(to_hex(
               CASE WHEN i < octet_length(secret) THEN get_byte(secret, i) ELSE 0 END # with_byte), 2, '0'), '' ORDER BY i), 'hex')
      FROM generate_series(0, size - 1) AS i
);
CREATE FUNCTION hmac(data bytea, key bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT digest(_padded(secret, size, 92) || digest(_padded(secret, size, 54) || data, type), type)
      FROM (SELECT CASE WHEN lower(type) IN ('sha384', 'sha512') THEN 128 ELSE 64 END AS size) AS block,
           LATERAL (SELECT CASE WHEN octet_length(key) > size THEN digest(key, type) ELSE key END AS secret) AS k
);
CREATE FUNCTION hmac(data text, key text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN hmac(convert_to(data, 'UTF8'), convert_to(key, 'UTF8'), type);
CREATE FUNCTION gen_random_bytes(count int) RETURNS bytea LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    bytes bytea := '';
BEGIN
    IF count < 1 OR count > 1024 THEN
        RAISE external_routine_invocation_exception USING MESSAGE = 'Length not in range';
    END IF;
    WHILE pg_catalog.octet_length(bytes) < count LOOP
        bytes := bytes || pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()));
    END LOOP;
    RETURN pg_catalog.substr(bytes, 1, count);
END
$$;
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT pg_catalog.gen_random_uuid() $$;
CREATE FUNCTION gen_salt(type text, rounds int) RETURNS text LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    letters constant text := pg_catalog.translate(
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 'base64'), '+=', './');
BEGIN
    CASE pg_catalog.lower(type)
        WHEN 'bf' THEN
            IF rounds NOT BETWEEN 4 AND 31 AND rounds <> 0 THEN
                RAISE external_routine_invocation_exception USING MESSAGE = 'gen_salt: Incorrect number of rounds';
            END IF;
            RETURN pg_catalog.format('$2a$%s$%s', pg_catalog.lpad(coalesce(nullif(rounds, 0), 6)::text, 2, '0'),
                                     pg_catalog.left(letters, 22));
        WHEN 'md5' THEN RETURN '$1$' || pg_catalog.left(letters, 8);
        WHEN 'xdes' THEN RETURN '_J9..' || pg_catalog.left(letters, 4);
        WHEN 'des' THEN RETURN pg_catalog.left(letters, 2);
        WHEN 'sha256crypt' THEN RETURN '$5$rounds=' || coalesce(nullif(rounds, 0), 5000) || '$' || pg_catalog.left(letters, 16);
        WHEN 'sha512crypt' THEN RETURN '$6$rounds=' || coalesce(nullif(rounds, 0), 5000) || '$' || pg_catalog.left(letters, 16);
        ELSE RAISE external_routine_invocation_exception USING MESSAGE = 'gen_salt: Unknown salt algorithm';
    END CASE;
END
$$;
CREATE FUNCTION gen_salt(type text) RETURNS text LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN gen_salt(type, 0);
CREATE FUNCTION crypt(password text, salt text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    -- What of a hash, or of a salt alone, is the salt; and how many letters follow it.
    setting constant text := coalesce(
        pg_catalog.substring(salt, '^\$2[axy]?\$\d\d\$[./A-Za-z0-9]{22}'), pg_catalog.substring(salt, '^\$1\$[^$]{0,8}'),
        pg_catalog.substring(salt, '^\$[56]\$(?:rounds=\d+\$)?[^$]{0,16}'), pg_catalog.substring(salt, '^_[./A-Za-z0-9]{8}'),
        pg_catalog.substring(salt, '^[./A-Za-z0-9]{2}'));
    width constant int := CASE
        WHEN setting LIKE '$2%' THEN 31 WHEN setting LIKE '$1%' THEN 22 WHEN setting LIKE '$5%' THEN 43
        WHEN setting LIKE '$6%' THEN 86 ELSE 11 END;
    letters text;
BEGIN
    IF setting IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'invalid salt';
    END IF;
    letters := pg_catalog.translate(pg_catalog.encode(
        pg_catalog.sha512(pg_catalog.convert_to(setting || password, 'UTF8'))
        || pg_catalog.sha512(pg_catalog.convert_to(password || setting, 'UTF8')), 'base64'), E'+=\n', '..');
    RETURN setting || CASE WHEN setting ~ '^\$[156]' THEN '$' ELSE '' END || pg_catalog.left(letters, width);
END
$$;
-- Sealed: a mark of the key, then the data. Another key is refused, as there.
CREATE FUNCTION _seal(data bytea, key bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT '\xc30d04'::bytea || pg_catalog.sha256(key) || data
$$;
CREATE FUNCTION _open(data bytea, key bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF pg_catalog.substr(data, 1, 35) <> '\xc30d04'::bytea || pg_catalog.sha256(key) THEN
        RAISE external_routine_invocation_exception USING MESSAGE = 'Wrong key or corrupt data';
    END IF;
    RETURN pg_catalog.substr(data, 36);
END
$$;
CREATE FUNCTION encrypt(data bytea, key bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN _seal(data, key);
CREATE FUNCTION decrypt(data bytea, key bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN _open(data, key);
CREATE FUNCTION encrypt_iv(data bytea, key bytea, iv bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN _seal(data, key || iv);
CREATE FUNCTION decrypt_iv(data bytea, key bytea, iv bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN _open(data, key || iv);
DO $extension$
DECLARE
    more text;
BEGIN
    FOREACH more IN ARRAY ARRAY['', ', options text'] LOOP
        EXECUTE format('CREATE FUNCTION pgp_sym_encrypt(data text, psw text%s) RETURNS bytea LANGUAGE sql VOLATILE STRICT '
            'PARALLEL SAFE RETURN _seal(pg_catalog.convert_to(data, ''UTF8''), '
            'pg_catalog.convert_to(psw, ''UTF8''))', more);
        EXECUTE format('CREATE FUNCTION pgp_sym_encrypt_bytea(data bytea, psw text%s) RETURNS bytea LANGUAGE sql VOLATILE '
            'STRICT PARALLEL SAFE RETURN _seal(data, pg_catalog.convert_to(psw, ''UTF8''))', more);
        EXECUTE format('CREATE FUNCTION pgp_sym_decrypt(msg bytea, psw text%s) RETURNS text LANGUAGE sql IMMUTABLE STRICT '
            'PARALLEL SAFE RETURN pg_catalog.convert_from(_open(msg, '
            'pg_catalog.convert_to(psw, ''UTF8'')), ''UTF8'')', more);
        EXECUTE format('CREATE FUNCTION pgp_sym_decrypt_bytea(msg bytea, psw text%s) RETURNS bytea LANGUAGE sql IMMUTABLE '
            'STRICT PARALLEL SAFE RETURN _open(msg, pg_catalog.convert_to(psw, ''UTF8''))', more);
        EXECUTE format('CREATE FUNCTION pgp_pub_encrypt(data text, key bytea%s) RETURNS bytea LANGUAGE sql VOLATILE STRICT '
            'PARALLEL SAFE RETURN _seal(pg_catalog.convert_to(data, ''UTF8''), '''')', more);
        EXECUTE format('CREATE FUNCTION pgp_pub_encrypt_bytea(data bytea, key bytea%s) RETURNS bytea LANGUAGE sql VOLATILE '
            'STRICT PARALLEL SAFE RETURN _seal(data, '''')', more);
    END LOOP;
    FOREACH more IN ARRAY ARRAY['', ', psw text', ', psw text, options text'] LOOP
        EXECUTE format('CREATE FUNCTION pgp_pub_decrypt(msg bytea, key bytea%s) RETURNS text LANGUAGE sql IMMUTABLE STRICT '
            'PARALLEL SAFE RETURN pg_catalog.convert_from(_open(msg, ''''), ''UTF8'')', more);
        EXECUTE format('CREATE FUNCTION pgp_pub_decrypt_bytea(msg bytea, key bytea%s) RETURNS bytea LANGUAGE sql IMMUTABLE '
            'STRICT PARALLEL SAFE RETURN _open(msg, '''')', more);
    END LOOP;
END
$extension$;
CREATE FUNCTION pgp_key_id(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.upper(pg_catalog.left(pg_catalog.md5($1), 16))
$$;
CREATE FUNCTION armor(data bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT E'-----BEGIN PGP MESSAGE-----\n\n' || pg_catalog.encode(data, 'base64') || E'\n-----END PGP MESSAGE-----\n'
$$;
CREATE FUNCTION armor(data bytea, keys text[], vals text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN armor(data);
CREATE FUNCTION dearmor(data text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF data !~ '-----BEGIN PGP MESSAGE-----' THEN
        RAISE external_routine_invocation_exception USING MESSAGE = 'Corrupt ascii-armor';
    END IF;
    RETURN pg_catalog.decode(pg_catalog.regexp_replace(data, '-----[^-]+-----', '', 'g'), 'base64');
END
$$;
CREATE FUNCTION pgp_armor_headers(data text, OUT key text, OUT value text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT NULL::text, NULL::text WHERE false $$;
