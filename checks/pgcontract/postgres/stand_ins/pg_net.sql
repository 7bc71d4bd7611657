-- pg_net's tables and functions: requests are queued as there when the transaction commits, and nobody sends them.
CREATE SCHEMA net;
CREATE DOMAIN net.http_method AS text CHECK (VALUE IS NULL OR VALUE IN ('GET', 'POST', 'DELETE'));
CREATE UNLOGGED TABLE net.http_request_queue (
    id bigserial PRIMARY KEY,
    method net.http_method NOT NULL,
    url text NOT NULL,
    headers jsonb,
    body bytea,
    timeout_milliseconds int NOT NULL
);
CREATE UNLOGGED TABLE net._http_response (
    id bigint,
    status_code int,
    content_type text,
    headers jsonb,
    content text,
    timed_out boolean,
    error_msg text,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON net._http_response (created);
CREATE TYPE net.request_status AS ENUM ('PENDING', 'SUCCESS', 'ERROR');
CREATE TYPE net.http_response AS (status_code int, headers jsonb, body text);
CREATE TYPE net.http_response_result AS (status net.request_status, message text, response net.http_response);
CREATE FUNCTION net._queue(method text, url text, headers jsonb, body jsonb, timeout_milliseconds int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    id bigint;
BEGIN
    IF url IS NULL OR timeout_milliseconds IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'neither the url nor the time-out of a request can be null';
    END IF;
    INSERT INTO net.http_request_queue AS queue (method, url, headers, body, timeout_milliseconds)
    VALUES (method, url, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds) RETURNING queue.id INTO id;
    RETURN id;
END
$$;
CREATE FUNCTION net.http_get(
    url text, params jsonb DEFAULT '{}', headers jsonb DEFAULT '{}', timeout_milliseconds int DEFAULT 5000
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT net._queue('GET', url, headers, NULL, timeout_milliseconds)
$$;
CREATE FUNCTION net.http_post(
    url text, body jsonb DEFAULT '{}', params jsonb DEFAULT '{}',
    headers jsonb DEFAULT '{"Content-Type": "application/json"}', timeout_milliseconds int DEFAULT 5000
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT net._queue('POST', url, headers, body, timeout_milliseconds)
$$;
CREATE FUNCTION net.http_delete(
    url text, params jsonb DEFAULT '{}', headers jsonb DEFAULT '{}', timeout_milliseconds int DEFAULT 5000,
    body jsonb DEFAULT NULL
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT net._queue('DELETE', url, headers, body, timeout_milliseconds)
$$;
CREATE FUNCTION net._http_collect_response(request_id bigint, async boolean DEFAULT true)
RETURNS net.http_response_result LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT ROW('PENDING', 'request is pending processing', NULL)::net.http_response_result
$$;
CREATE FUNCTION net.http_collect_response(request_id bigint, async boolean DEFAULT true)
RETURNS net.http_response_result LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT net._http_collect_response(request_id, async)
$$;
REVOKE ALL ON FUNCTION net._queue FROM PUBLIC;
GRANT USAGE ON SCHEMA net TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA net TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA net TO PUBLIC;
