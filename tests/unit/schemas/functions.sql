        CREATE FUNCTION public.plus(a integer, b integer DEFAULT 1, OUT total integer) LANGUAGE sql IMMUTABLE STRICT
            PARALLEL SAFE COST 5 SET search_path = '' RETURN a + b;
        CREATE FUNCTION public.many(VARIADIC x text[]) RETURNS SETOF text ROWS 7 STABLE SECURITY DEFINER LANGUAGE plpgsql
            AS $f$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY x LOOP
        RETURN NEXT '''' || each || E'\t"\\n"';  -- quotes of every kind: ''' and $$
    END LOOP;
END
$f$;
        CREATE PROCEDURE public.nothing() LANGUAGE sql BEGIN ATOMIC SELECT 1; END;
        CREATE AGGREGATE public.longest(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
        REVOKE ALL ON FUNCTION public.plus(integer, integer) FROM public;
        GRANT EXECUTE ON FUNCTION public.plus(integer, integer) TO reader;
