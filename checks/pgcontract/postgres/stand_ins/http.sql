-- http's types and functions; nothing is sent, and every call is refused as one to a host that is not there.
CREATE DOMAIN http_method AS text;
CREATE DOMAIN content_type AS text CHECK (VALUE ~ '^\S+/\S+');
CREATE TYPE http_header AS (field varchar, value varchar);
CREATE TYPE http_response AS (status int, content_type varchar, headers http_header[], content varchar);
CREATE TYPE http_request AS (
    method http_method, uri varchar, headers http_header[], content_type varchar, content varchar
);
CREATE FUNCTION http_set_curlopt(curlopt varchar, value varchar) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION http_reset_curlopt() RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION http_list_curlopt() RETURNS TABLE (curlopt text, value text) LANGUAGE sql AS $$
    SELECT NULL::text, NULL::text WHERE false
$$;
CREATE FUNCTION http_header(field varchar, value varchar) RETURNS http_header LANGUAGE sql AS $$ SELECT $1, $2 $$;
CREATE FUNCTION http(request http_request) RETURNS http_response LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'Could not resolve host: nothing is sent from here';
END
$$;
DO $extension$
DECLARE
    arguments text;
BEGIN
    FOREACH arguments IN ARRAY ARRAY[
        'http_get(uri varchar)', 'http_get(uri varchar, data jsonb)', 'http_head(uri varchar)',
        'http_post(uri varchar, content varchar, content_type varchar)', 'http_post(uri varchar, data jsonb)',
        'http_put(uri varchar, content varchar, content_type varchar)',
        'http_patch(uri varchar, content varchar, content_type varchar)',
        'http_delete(uri varchar, content varchar, content_type varchar)', 'http_delete(uri varchar)'
    ] LOOP
        EXECUTE format('CREATE FUNCTION %s RETURNS @extschema@.http_response LANGUAGE sql AS '
            '$f$ SELECT @extschema@.http(NULL) $f$', arguments);
    END LOOP;
END
$extension$;
CREATE FUNCTION urlencode(string varchar) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT string_agg(CASE WHEN c ~ '[A-Za-z0-9_.~-]' THEN c
                           ELSE regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\1', 'g') END, '')
      FROM regexp_split_to_table(string, '') AS c
$$;
CREATE FUNCTION urlencode(string bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT @extschema@.urlencode(convert_from(string, 'UTF8')::varchar)
$$;
CREATE FUNCTION urlencode(data jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT string_agg(@extschema@.urlencode(key::varchar) || '=' || @extschema@.urlencode(value::varchar), '&')
      FROM jsonb_each_text(data)
$$;
