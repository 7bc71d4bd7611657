-- Way back of 021_assessment_sessions_keep_promises: the table, functions, comments and access of 020. No row is lost.
--
-- Run it    psql -v ON_ERROR_STOP=1 -f 021_assessment_sessions_keep_promises.down.sql, or paste the whole file into an
--           SQL editor.
-- Again     may be run again, and after any statement of the way up; where 021 was not run it does nothing.
-- Rows      that 021 let in and 020 would refuse (o'brien@example.com) stop it before anything is changed: one error
--           counts them by rule, with the ids of three of each.
-- Opens     the table again to whom 020 left it, anon and authenticated among them where the default privileges were
--           the old ones: the table's comment tells who, and this file puts it back as it was.
--
-- One statement, so that psql, which goes on after an error, cannot undo half of it.
DO $way_back$
DECLARE
    sessions CONSTANT regclass := to_regclass('public.cw_assessment_sessions');
    before   CONSTANT jsonb := substring(obj_description(sessions, 'pg_class') FROM 'Access before 021: (.*)')::jsonb;
    refused  bigint;
    told     text;
    access   text;
BEGIN
    -- What 021 makes first or, where psql went on after its guard, next: without either it was not run.
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = sessions AND conname = 'completed_at_with_status')
        AND to_regprocedure('public.refuse_cw_assessment_sessions_payment_status()') IS NULL
    THEN
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', '5s', true);

    -- Constraints
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = sessions AND conname = 'completed_at_with_status') THEN
        SELECT sum(number), string_agg(format('%s: %s, such as %s', rule, number, array_to_string(ids, ', ')), E'\n')
          INTO refused, told
          FROM (SELECT 'email is not of the form that 020 knows', count(*), (array_agg(id ORDER BY created_at, id))[1:3]
                  FROM public.cw_assessment_sessions
                 WHERE email !~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$') AS broken (rule, number, ids)
         WHERE number > 0;
        IF refused > 0 THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('migration 020 would refuse %s rows of public.cw_assessment_sessions; '
                                 'nothing was changed', refused),
                DETAIL = told,
                HINT = 'Correct or remove these rows, then run this file again.';
        END IF;

        ALTER TABLE public.cw_assessment_sessions
            DROP CONSTRAINT completed_at_with_status,
            DROP CONSTRAINT completed_at_not_before_created_at,
            DROP CONSTRAINT email_format,
            DROP CONSTRAINT first_name_not_empty,
            ADD CONSTRAINT email_format         CHECK (email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'),
            ADD CONSTRAINT first_name_not_empty CHECK (length(trim(first_name)) > 0);

        -- Indexes
        DROP INDEX public.idx_cw_assessment_sessions_open_email;
        DROP INDEX public.idx_cw_assessment_sessions_stripe_payment_intent_id;
        DROP INDEX public.idx_cw_assessment_sessions_stripe_session_id;
        CREATE INDEX idx_cw_assessment_sessions_stripe_session_id
            ON public.cw_assessment_sessions (stripe_session_id)
            WHERE stripe_session_id IS NOT NULL;
    END IF;

    -- Triggers
    DROP TRIGGER IF EXISTS trigger_cw_assessment_sessions_payment_start ON public.cw_assessment_sessions;
    DROP TRIGGER IF EXISTS trigger_cw_assessment_sessions_payment_move ON public.cw_assessment_sessions;
    DROP FUNCTION IF EXISTS public.refuse_cw_assessment_sessions_payment_status();

    CREATE OR REPLACE TRIGGER trigger_cw_assessment_sessions_updated_at
        BEFORE UPDATE ON public.cw_assessment_sessions
        FOR EACH ROW
        EXECUTE FUNCTION public.update_cw_assessment_sessions_updated_at();

    -- The body at the margin, as 020 has it: the server keeps its blanks.
    CREATE OR REPLACE FUNCTION public.update_cw_assessment_sessions_updated_at()
    RETURNS trigger
    LANGUAGE plpgsql
    AS $function$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$function$;

    -- Access
    IF before IS NOT NULL THEN
        ALTER TABLE public.cw_assessment_sessions DISABLE ROW LEVEL SECURITY;
        REVOKE ALL ON TABLE public.cw_assessment_sessions FROM PUBLIC, anon, authenticated, service_role;
        REVOKE ALL ON FUNCTION public.update_cw_assessment_sessions_updated_at()
            FROM PUBLIC, anon, authenticated, service_role;
        FOR access IN
            SELECT format('GRANT %s ON %s TO %s%s', privilege_type, object,
                          CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                          CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
              FROM (VALUES ('table', 'TABLE public.cw_assessment_sessions'),
                           ('function', 'FUNCTION public.update_cw_assessment_sessions_updated_at()')
                   ) AS kept (key, object)
             CROSS JOIN LATERAL aclexplode((before ->> key)::aclitem[])
             WHERE grantee IN (0, 'anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
        LOOP
            EXECUTE access;
        END LOOP;
    END IF;

    -- Comments
    COMMENT ON TABLE public.cw_assessment_sessions IS
        'Assessment sessions: one row for each submitted form and its payment through Stripe.';
    COMMENT ON COLUMN public.cw_assessment_sessions.payment_status IS
        'Where the payment stands: pending, then completed, failed or refunded.';
    COMMENT ON COLUMN public.cw_assessment_sessions.created_at IS
        'When the row was inserted.';
    COMMENT ON COLUMN public.cw_assessment_sessions.updated_at IS
        'When the row was last changed: set by trigger on UPDATE, by default on INSERT.';
    COMMENT ON COLUMN public.cw_assessment_sessions.completed_at IS
        'When the workflow finished; null until then.';
    COMMENT ON CONSTRAINT email_format ON public.cw_assessment_sessions IS
        'The address has the form local@domain.tld; a pattern, not proof that it takes mail.';
    COMMENT ON CONSTRAINT first_name_not_empty ON public.cw_assessment_sessions IS
        'The first name is neither empty nor spaces only.';
    COMMENT ON INDEX public.idx_cw_assessment_sessions_stripe_session_id IS
        'Matches a Stripe webhook to its row; leaves out rows that never reached checkout.';
    COMMENT ON FUNCTION public.update_cw_assessment_sessions_updated_at() IS
        'Trigger function: sets updated_at of the new row to now(), the start of the transaction.';
    COMMENT ON TRIGGER trigger_cw_assessment_sessions_updated_at ON public.cw_assessment_sessions IS
        'Keeps updated_at on every UPDATE of a row.';
END
$way_back$;
