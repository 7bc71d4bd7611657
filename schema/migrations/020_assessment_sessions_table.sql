-- 020_assessment_sessions_table: one row for each paid assessment, from the submitted form to the settled payment.
--
-- Run it    psql -v ON_ERROR_STOP=1 --single-transaction -f 020_assessment_sessions_table.sql, or paste the whole
--           file into an SQL editor. Without those two options psql goes on after an error, guard or no guard.
-- Again     may be run again at any time: rows, objects and their identities stay as they are.
-- Way back  020_assessment_sessions_table.down.sql
-- Needs     PostgreSQL 15 or later and CREATE on schema public; no superuser.
-- Access    grants nothing and enables no row level security: the default privileges of schema public decide who
--           may read and write.

-- Guard: CREATE TABLE IF NOT EXISTS keeps whatever table is there, so stop before anything is changed if it is not
-- this one. The shape is the table below in the server's spelling, which PostgreSQL 15 to 18 share.
DO $guard$
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
            ERRCODE = 'duplicate_table',
            MESSAGE = 'public.cw_assessment_sessions is there already with another shape; nothing was changed',
            DETAIL = coalesce(difference, 'the columns stand in another order'),
            HINT = 'Rename that table, or bring it to the expected shape, then run this file again.';
    END IF;
END
$guard$;

-- Table
CREATE TABLE IF NOT EXISTS public.cw_assessment_sessions (
    id                       uuid         PRIMARY KEY DEFAULT gen_random_uuid(),
    email                    varchar(255) NOT NULL,
    first_name               varchar(100) NOT NULL,
    form_data                jsonb        NOT NULL,
    payment_status           varchar(50)  NOT NULL DEFAULT 'pending'
                                          CHECK (payment_status IN ('pending', 'completed', 'failed', 'refunded')),
    stripe_session_id        varchar(255),
    stripe_payment_intent_id varchar(255),
    created_at               timestamptz  NOT NULL DEFAULT now(),
    updated_at               timestamptz  NOT NULL DEFAULT now(),
    completed_at             timestamptz,

    CONSTRAINT form_data_is_object  CHECK (jsonb_typeof(form_data) = 'object'),
    CONSTRAINT email_format         CHECK (email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'),
    CONSTRAINT first_name_not_empty CHECK (length(trim(first_name)) > 0)
);

-- Indexes
CREATE INDEX IF NOT EXISTS idx_cw_assessment_sessions_email
    ON public.cw_assessment_sessions (email);

CREATE INDEX IF NOT EXISTS idx_cw_assessment_sessions_payment_status
    ON public.cw_assessment_sessions (payment_status);

CREATE INDEX IF NOT EXISTS idx_cw_assessment_sessions_stripe_session_id
    ON public.cw_assessment_sessions (stripe_session_id)
    WHERE stripe_session_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS idx_cw_assessment_sessions_created_at
    ON public.cw_assessment_sessions (created_at DESC);

-- Audit trigger: OR REPLACE, because a second CREATE TRIGGER is an error and has no IF NOT EXISTS.
CREATE OR REPLACE FUNCTION public.update_cw_assessment_sessions_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$function$;

CREATE OR REPLACE TRIGGER trigger_cw_assessment_sessions_updated_at
    BEFORE UPDATE ON public.cw_assessment_sessions
    FOR EACH ROW
    EXECUTE FUNCTION public.update_cw_assessment_sessions_updated_at();

-- Comments
COMMENT ON TABLE public.cw_assessment_sessions IS
    'Assessment sessions: one row for each submitted form and its payment through Stripe.';

COMMENT ON COLUMN public.cw_assessment_sessions.id IS
    'Unique identifier of the session; handed to Stripe as client_reference_id.';
COMMENT ON COLUMN public.cw_assessment_sessions.email IS
    'The user''s address, for contact and notices. Personal data.';
COMMENT ON COLUMN public.cw_assessment_sessions.first_name IS
    'The user''s first name, for addressing them. Personal data.';
COMMENT ON COLUMN public.cw_assessment_sessions.form_data IS
    'The whole assessment form as submitted, one JSON object of any configuration. Personal data.';
COMMENT ON COLUMN public.cw_assessment_sessions.payment_status IS
    'Where the payment stands: pending, then completed, failed or refunded.';
COMMENT ON COLUMN public.cw_assessment_sessions.stripe_session_id IS
    'Id of the Stripe checkout session, for tracking and refunds; null until checkout begins.';
COMMENT ON COLUMN public.cw_assessment_sessions.stripe_payment_intent_id IS
    'Id of the Stripe payment intent; null until Stripe has made one.';
COMMENT ON COLUMN public.cw_assessment_sessions.created_at IS
    'When the row was inserted.';
COMMENT ON COLUMN public.cw_assessment_sessions.updated_at IS
    'When the row was last changed: set by trigger on UPDATE, by default on INSERT.';
COMMENT ON COLUMN public.cw_assessment_sessions.completed_at IS
    'When the workflow finished; null until then.';

COMMENT ON CONSTRAINT cw_assessment_sessions_pkey ON public.cw_assessment_sessions IS
    'One row for each id.';
COMMENT ON CONSTRAINT cw_assessment_sessions_payment_status_check ON public.cw_assessment_sessions IS
    'Only the four known payment states are stored.';
COMMENT ON CONSTRAINT form_data_is_object ON public.cw_assessment_sessions IS
    'The form is a JSON object, never an array or a bare value.';
COMMENT ON CONSTRAINT email_format ON public.cw_assessment_sessions IS
    'The address has the form local@domain.tld; a pattern, not proof that it takes mail.';
COMMENT ON CONSTRAINT first_name_not_empty ON public.cw_assessment_sessions IS
    'The first name is neither empty nor spaces only.';

COMMENT ON INDEX public.cw_assessment_sessions_pkey IS
    'Look-up by id; made by the primary key.';
COMMENT ON INDEX public.idx_cw_assessment_sessions_email IS
    'Look-up and history of a user by address.';
COMMENT ON INDEX public.idx_cw_assessment_sessions_payment_status IS
    'Finds pending and failed payments to try again.';
COMMENT ON INDEX public.idx_cw_assessment_sessions_stripe_session_id IS
    'Matches a Stripe webhook to its row; leaves out rows that never reached checkout.';
COMMENT ON INDEX public.idx_cw_assessment_sessions_created_at IS
    'Reads sessions in order of time, newest first.';

COMMENT ON FUNCTION public.update_cw_assessment_sessions_updated_at() IS
    'Trigger function: sets updated_at of the new row to now(), the start of the transaction.';
COMMENT ON TRIGGER trigger_cw_assessment_sessions_updated_at ON public.cw_assessment_sessions IS
    'Keeps updated_at on every UPDATE of a row.';
