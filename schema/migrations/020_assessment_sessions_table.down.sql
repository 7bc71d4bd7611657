-- Way back of 020_assessment_sessions_table: everything gone, in reverse order of dependency. ALL ROWS ARE LOST.
--
-- Run it    psql -v ON_ERROR_STOP=1 -f 020_assessment_sessions_table.down.sql, or paste the whole file into an SQL
--           editor. Take a backup first: pg_dump -t public.cw_assessment_sessions
-- Again     may be run again, and after any statement of the way up; what is gone already is a NOTICE.
-- CASCADE   also takes what others built on the table: views on it and foreign keys that point to it, with no error.
--           Run it in a transaction to read the NOTICEs before COMMIT.
--
-- One statement, so that psql, which goes on after an error, cannot drop the table that the guard refused.
-- The guard knows the table in the server's spelling, which PostgreSQL 15 to 18 share.
DO $way_back$
DECLARE
    sessions CONSTANT regclass := to_regclass('public.cw_assessment_sessions');
    expected CONSTANT text[] := string_to_array(btrim(regexp_replace($shape$
        relkind r, relpersistence p;
        id uuid NOT NULL DEFAULT gen_random_uuid();
        email character varying(255) NOT NULL;
        first_name character varying(100) NOT NULL;
        form_data jsonb NOT NULL;
        payment_status character varying(50) NOT NULL DEFAULT 'pending'::character varying;
        stripe_session_id character varying(255);
        stripe_payment_intent_id character varying(255);
        created_at timestamp with time zone NOT NULL DEFAULT now();
        updated_at timestamp with time zone NOT NULL DEFAULT now();
        completed_at timestamp with time zone;
        cw_assessment_sessions_payment_status_check
            CHECK (payment_status::text = ANY (ARRAY['pending'::character varying,
            'completed'::character varying, 'failed'::character varying, 'refunded'::character varying]::text[]));
        cw_assessment_sessions_pkey PRIMARY KEY (id);
        email_format CHECK (email::text ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'::text);
        first_name_not_empty CHECK (length(TRIM(BOTH FROM first_name)) > 0);
        form_data_is_object CHECK (jsonb_typeof(form_data) = 'object'::text)
        $shape$, '\s+', ' ', 'g')), '; ');
    found text[];
    difference text;
BEGIN
    SELECT array_agg(line ORDER BY section, place, line COLLATE "C")
      INTO found
      FROM (SELECT 1, 0, format('relkind %s, relpersistence %s', relkind, relpersistence)
              FROM pg_class
             WHERE oid = sessions
            UNION ALL
            SELECT 2, attnum, concat_ws(' ', attname, format_type(atttypid, atttypmod),
                                        CASE WHEN attnotnull THEN 'NOT NULL' END,
                                        'DEFAULT ' || pg_get_expr(adbin, adrelid))
              FROM pg_attribute
              LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
             WHERE attrelid = sessions AND attnum > 0 AND NOT attisdropped
            UNION ALL
            SELECT 3, 0, concat_ws(' ', conname, pg_get_constraintdef(oid, true))
              FROM pg_constraint
             WHERE conrelid = sessions AND contype <> 'n') AS shape (section, place, line);

    IF found <> expected THEN
        SELECT string_agg(CASE WHEN e IS NULL THEN 'found ' || f ELSE 'missing ' || e END, E'\n' ORDER BY e, f)
          INTO difference
          FROM unnest(found) AS f FULL JOIN unnest(expected) AS e ON e = f
         WHERE e IS NULL OR f IS NULL;
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'public.cw_assessment_sessions is not the table that migration 020 made; nothing was dropped',
            DETAIL = coalesce(difference, 'the columns stand in another order'),
            HINT = 'Take back the later migrations that changed it; a table that 020 did not make stays.';
    END IF;

    DROP TRIGGER IF EXISTS trigger_cw_assessment_sessions_updated_at ON public.cw_assessment_sessions;
    DROP FUNCTION IF EXISTS public.update_cw_assessment_sessions_updated_at();
    DROP TABLE IF EXISTS public.cw_assessment_sessions CASCADE;
END
$way_back$;
