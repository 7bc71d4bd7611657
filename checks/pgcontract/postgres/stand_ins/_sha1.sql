-- SHA-1, which PostgreSQL itself has not.
CREATE FUNCTION _{name}_sha1(data bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
    mask constant bigint := 4294967295;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    bits constant bigint := octet_length(data)::bigint * 8;
    message bytea := data || '\x80'::bytea;
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
BEGIN
    message := message || decode(repeat('00', (119 - octet_length(data) % 64) % 64), 'hex') || int8send(bits);
    FOR block IN 0 .. octet_length(message) / 64 - 1 LOOP
        FOR i IN 0 .. 15 LOOP
            w[i] := ('x' || lpad(encode(substr(message, block * 64 + i * 4 + 1, 4), 'hex'), 16, '0'))::bit(64)::bigint;
        END LOOP;
        FOR i IN 16 .. 79 LOOP
            t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
            w[i] := ((t << 1) | (t >> 31)) & mask;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0 .. 79 LOOP
            IF i < 20 THEN f := (b & c) | ((~b & mask) & d); k := 1518500249;
            ELSIF i < 40 THEN f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE f := b # c # d; k := 3395469782;
            END IF;
            t := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[i]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := t;
        END LOOP;
        h := ARRAY[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    END LOOP;
    RETURN decode((SELECT string_agg(lpad(to_hex(x), 8, '0'), '' ORDER BY n) FROM unnest(h) WITH ORDINALITY AS u (x, n)), 'hex');
END
$$;
