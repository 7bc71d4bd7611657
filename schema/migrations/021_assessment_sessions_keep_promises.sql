-- 021_assessment_sessions_keep_promises: what 020 only promised of its rows, kept by the database. No table is added
-- and none is rewritten.
--
-- Run it    psql -v ON_ERROR_STOP=1 --single-transaction -f 021_assessment_sessions_keep_promises.sql, or paste the
--           whole file into an SQL editor: one transaction, all or nothing.
-- Rows      that 020 let in and 021 would refuse stop it before it takes any lock that others wait for: one error
--           counts them by rule, with the ids of three of each, and nothing is changed.
-- Locks     waits 5 s at most for each. Readers go on while the indexes are built, writers wait; ALTER TABLE then shuts
--           out both until COMMIT. Statement by statement (no --single-transaction), VALIDATE reads beside them all,
--           but 5 s is then no limit, and what stops in the middle is finished by running the file again.
-- Again     may be run again at any time: rows, objects and their identities stay as they are. 020's own file refuses
--           to run from now on, because its guard knows the table of 020 alone.
-- Way back  021_assessment_sessions_keep_promises.down.sql
-- Needs     020, PostgreSQL 15 or later, a database in UTF8, the roles anon, authenticated and service_role (Supabase
--           has them), and to be the table's owner; no superuser.
-- Told      SET session_replication_role = replica, for superusers and restores, switches the three triggers off:
--           times and moves are then whatever is written. The constraints and unique indexes hold even so.

SET LOCAL lock_timeout = '5s';

-- Guard, indexes and constraints in one statement: all of them or none, whatever runs the file.
DO $keep_promises$
DECLARE
    -- A Mailbox by RFC 5321, 4.1.2 and 4.1.3, all of it: a dot-string or a quoted string, at a domain or an address
    -- literal, under the RFC's names. IPv6 is the only tag that IANA has registered.
    atom           CONSTANT text := '[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+';
    dot_string     CONSTANT text := atom || '(\.' || atom || ')*';
    quoted_string  CONSTANT text := '"([ !#-[\]-~]|\\[ -~])*"';
    local_part     CONSTANT text := '^(' || dot_string || '|' || quoted_string || ')@[^@]+$';
    sub_domain     CONSTANT text := '[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?';
    domain         CONSTANT text := '^' || sub_domain || '(\.' || sub_domain || ')*$';
    snum           CONSTANT text := '(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])';
    ipv4           CONSTANT text := snum || '(\.' || snum || '){3}';
    hex            CONSTANT text := '[0-9A-Fa-f]{1,4}';
    ipv6_full      CONSTANT text := hex || '(:' || hex || '){7}';
    ipv6_comp      CONSTANT text := '(?!:*(' || hex || ':+){6}' || hex || ')'    -- six groups beside :: at most
                                 || '(' || hex || '(:' || hex || ')*)?::(' || hex || '(:' || hex || ')*)?';
    ipv6v4_full    CONSTANT text := '(' || hex || ':){6}' || ipv4;
    ipv6v4_comp    CONSTANT text := '(?!:*(' || hex || ':+){5})'                 -- four groups beside :: at most
                                 || '(' || hex || '(:' || hex || ')*)?::(' || hex || ':)*' || ipv4;
    ipv6           CONSTANT text := concat_ws('|', ipv6_full, ipv6_comp, ipv6v4_full, ipv6v4_comp);
    literal        CONSTANT text := '^\[(' || ipv4 || '|[Ii][Pp][Vv]6:(' || ipv6 || '))\]$';
    -- Its limits: 254 octets in all, a path of 256 without its < and > (4.5.3.1.3); 64 before the last @ (4.5.3.1.1);
    -- 63 in a label (RFC 1035, 2.3.4). Short patterns, not one long: for every row the server builds the part of a
    -- pattern's automaton that the row needs, and the long one costs several times as much.
    long_label     CONSTANT text := '[^.]{64}';
    -- One character that shows, by Unicode 16: no White_Space, no Default_Ignorable_Code_Point, no control (Cc), not
    -- the braille cell without dots (U+2800), no interlinear annotation mark (U+FFF9 to U+FFFB).
    visible CONSTANT text := '[^\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F'
        '\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB'
        '\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]';
    sessions CONSTANT regclass := to_regclass('public.cw_assessment_sessions');
    found    text;
    refused  bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = sessions AND conname = 'completed_at_with_status') THEN
        RETURN;
    END IF;

    SELECT string_agg(format('%s %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
      INTO found
      FROM pg_attribute
     WHERE attrelid = sessions AND attnum > 0 AND NOT attisdropped;

    IF found IS DISTINCT FROM 'id uuid, email character varying(255), first_name character varying(100), '
        'form_data jsonb, payment_status character varying(50), stripe_session_id character varying(255), '
        'stripe_payment_intent_id character varying(255), created_at timestamp with time zone, '
        'updated_at timestamp with time zone, completed_at timestamp with time zone'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'public.cw_assessment_sessions is not the table that migration 020 made; nothing was changed',
            DETAIL = coalesce('found ' || found, 'there is no such table'),
            HINT = 'Run 020_assessment_sessions_table.sql first.';
    END IF;

    WITH broken AS (
        SELECT id, created_at, number, rule
          FROM public.cw_assessment_sessions
         CROSS JOIN LATERAL (VALUES
               (1, 'email is no mailbox of RFC 5321',
                   octet_length(email) > 254
                   OR octet_length(email) - octet_length(split_part(email, '@', -1)) > 65
                   OR email !~ local_part
                   OR split_part(email, '@', -1) ~ long_label
                   OR split_part(email, '@', -1) !~ domain AND split_part(email, '@', -1) !~ literal),
               (2, 'first_name shows nothing', first_name !~ visible),
               (3, 'completed_at is missing, or there before the payment',
                   (completed_at IS NOT NULL) <> (payment_status IN ('completed', 'refunded'))),
               (4, 'completed_at is before created_at', completed_at < created_at),
               (5, 'created_at or updated_at is yet to come', greatest(created_at, updated_at) > clock_timestamp()),
               (6, 'stripe_session_id stands in several rows', stripe_session_id IN (
                   SELECT stripe_session_id FROM public.cw_assessment_sessions GROUP BY 1 HAVING count(*) > 1)),
               (7, 'stripe_payment_intent_id stands in several rows', stripe_payment_intent_id IN (
                   SELECT stripe_payment_intent_id FROM public.cw_assessment_sessions GROUP BY 1 HAVING count(*) > 1)),
               (8, 'several rows are pending for the address',
                   payment_status = 'pending' AND lower(email COLLATE "C") IN (
                       SELECT lower(email COLLATE "C") FROM public.cw_assessment_sessions
                        WHERE payment_status = 'pending' GROUP BY 1 HAVING count(*) > 1))
               ) AS promise (number, rule, is_broken)
         WHERE is_broken
    ),
    told AS (
        SELECT number, format('%s: %s, such as %s', rule, count(*),
                              array_to_string((array_agg(id ORDER BY created_at, id))[1:3], ', ')) AS line
          FROM broken
         GROUP BY number, rule
    )
    SELECT (SELECT count(DISTINCT id) FROM broken), (SELECT string_agg(line, E'\n' ORDER BY number) FROM told)
      INTO refused, found;

    IF refused > 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('migration 021 would refuse %s rows of public.cw_assessment_sessions; nothing was changed',
                             refused),
            DETAIL = found,
            HINT = 'Correct or remove these rows, then run this file again.';
    END IF;

    -- Under the old name, so that whoever looks for the index of webhooks finds it; built before the old one goes.
    CREATE UNIQUE INDEX idx_cw_assessment_sessions_stripe_session_id_unique
        ON public.cw_assessment_sessions (stripe_session_id)
        WHERE stripe_session_id IS NOT NULL;
    DROP INDEX public.idx_cw_assessment_sessions_stripe_session_id;
    ALTER INDEX public.idx_cw_assessment_sessions_stripe_session_id_unique
        RENAME TO idx_cw_assessment_sessions_stripe_session_id;

    CREATE UNIQUE INDEX idx_cw_assessment_sessions_stripe_payment_intent_id
        ON public.cw_assessment_sessions (stripe_payment_intent_id)
        WHERE stripe_payment_intent_id IS NOT NULL;

    -- RFC 5321 leaves the case of a local part to its host, but no host in use tells Ann from ann, and people type
    -- both. COLLATE "C": neither a Turkish i nor an upgrade of the server's locales changes what is the same.
    CREATE UNIQUE INDEX idx_cw_assessment_sessions_open_email
        ON public.cw_assessment_sessions (lower(email COLLATE "C"))
        WHERE payment_status = 'pending';

    EXECUTE format($ddl$
        ALTER TABLE public.cw_assessment_sessions
            DROP CONSTRAINT email_format,
            DROP CONSTRAINT first_name_not_empty,
            ADD CONSTRAINT email_format CHECK (
                octet_length(email) <= 254
                AND octet_length(email) - octet_length(split_part(email, '@', -1)) <= 65
                AND email ~ %L
                AND split_part(email, '@', -1) !~ %L
                AND (split_part(email, '@', -1) ~ %L OR split_part(email, '@', -1) ~ %L)
            ) NOT VALID,
            ADD CONSTRAINT first_name_not_empty CHECK (first_name ~ %L) NOT VALID,
            ADD CONSTRAINT completed_at_with_status CHECK (
                (completed_at IS NOT NULL) = (payment_status IN ('completed', 'refunded'))
            ) NOT VALID,
            ADD CONSTRAINT completed_at_not_before_created_at CHECK (completed_at >= created_at) NOT VALID
        $ddl$, local_part, long_label, domain, literal, visible);
END
$keep_promises$;

ALTER TABLE public.cw_assessment_sessions
    VALIDATE CONSTRAINT email_format,
    VALIDATE CONSTRAINT first_name_not_empty,
    VALIDATE CONSTRAINT completed_at_with_status,
    VALIDATE CONSTRAINT completed_at_not_before_created_at;

-- Times: the database's clock, whatever the caller says. On INSERT the start of the transaction, which a column's
-- default gives too; on UPDATE the clock itself, so that two updates in one transaction differ. One microsecond is
-- the step of timestamptz. Across rows nothing can promise order: what commits later may have read the clock earlier.
CREATE OR REPLACE FUNCTION public.update_cw_assessment_sessions_updated_at()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.created_at = pg_catalog.now();
        NEW.updated_at = NEW.created_at;
    ELSE
        NEW.created_at = OLD.created_at;
        NEW.updated_at = greatest(pg_catalog.clock_timestamp(), OLD.updated_at + interval '1 microsecond');
    END IF;
    RETURN NEW;
END;
$function$;

CREATE OR REPLACE TRIGGER trigger_cw_assessment_sessions_updated_at
    BEFORE INSERT OR UPDATE ON public.cw_assessment_sessions
    FOR EACH ROW
    EXECUTE FUNCTION public.update_cw_assessment_sessions_updated_at();

-- Moves of payment_status. AFTER, so that the row is judged as it is stored, when the constraints have spoken, and an
-- upsert by the move it makes, not by the row it proposed. The conditions are the machine; the function only refuses.
-- A refund follows a payment, so it starts from completed, never from pending. Failed is final: Stripe takes no second
-- payment in a session that failed or expired, so another try is another session and another row.
CREATE OR REPLACE FUNCTION public.refuse_cw_assessment_sessions_payment_status()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $function$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'check_violation',
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME,
        COLUMN = 'payment_status',
        CONSTRAINT = TG_NAME,
        MESSAGE = CASE TG_OP
            WHEN 'INSERT' THEN pg_catalog.format('a session starts as pending, not as %s', NEW.payment_status)
            ELSE pg_catalog.format('a session does not go from %s to %s', OLD.payment_status, NEW.payment_status)
        END,
        DETAIL = pg_catalog.format('Session %s.', NEW.id),
        HINT = 'pending goes to completed or failed, completed to refunded. Name the state you come from in WHERE: '
               'a repeated or late event then changes no row.';
END;
$function$;

CREATE OR REPLACE TRIGGER trigger_cw_assessment_sessions_payment_start
    AFTER INSERT ON public.cw_assessment_sessions
    FOR EACH ROW
    WHEN (NEW.payment_status <> 'pending')
    EXECUTE FUNCTION public.refuse_cw_assessment_sessions_payment_status();

CREATE OR REPLACE TRIGGER trigger_cw_assessment_sessions_payment_move
    AFTER UPDATE ON public.cw_assessment_sessions
    FOR EACH ROW
    WHEN (OLD.payment_status <> NEW.payment_status
          AND (OLD.payment_status, NEW.payment_status)
              NOT IN (('pending', 'completed'), ('pending', 'failed'), ('completed', 'refunded')))
    EXECUTE FUNCTION public.refuse_cw_assessment_sessions_payment_status();

-- Access. The table's comment keeps who had which before, default privileges and grants by hand alike, because nothing
-- else could tell the way back: the defaults of today need not be those of the day on which 020 ran.
DO $access$
DECLARE
    before text;
BEGIN
    IF obj_description('public.cw_assessment_sessions'::regclass, 'pg_class') ~ 'Access before 021: ' THEN
        RETURN;
    END IF;

    SELECT jsonb_object_agg(key, (SELECT array_agg(item ORDER BY item::text) FROM unnest(acl) AS item)::text)
      INTO before
      FROM (SELECT 'table', coalesce(relacl, acldefault('r', relowner))
              FROM pg_class
             WHERE oid = 'public.cw_assessment_sessions'::regclass
            UNION ALL
            SELECT 'function', coalesce(proacl, acldefault('f', proowner))
              FROM pg_proc
             WHERE oid = 'public.update_cw_assessment_sessions_updated_at()'::regprocedure) AS granted (key, acl);

    EXECUTE format('COMMENT ON TABLE public.cw_assessment_sessions IS %L',
                   'Assessment sessions: one row for each submitted form and its payment through Stripe. Read and '
                   'written by service_role alone. Access before 021: ' || before);
END
$access$;

-- Row level security without a policy: no row for anybody but the owner and the roles that bypass it.
ALTER TABLE public.cw_assessment_sessions ENABLE ROW LEVEL SECURITY;

-- TRUNCATE is not under row level security, so it is revoked. DELETE is nobody's: to erase a person is the owner's act.
REVOKE ALL ON TABLE public.cw_assessment_sessions FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE ON TABLE public.cw_assessment_sessions TO service_role;

-- A trigger runs its function without asking for EXECUTE.
REVOKE ALL ON FUNCTION
    public.update_cw_assessment_sessions_updated_at(), public.refuse_cw_assessment_sessions_payment_status()
    FROM PUBLIC, anon, authenticated, service_role;

-- Comments
COMMENT ON COLUMN public.cw_assessment_sessions.payment_status IS
    'Where the payment stands: pending, then completed or failed; completed, then refunded; nothing else.';
COMMENT ON COLUMN public.cw_assessment_sessions.created_at IS
    'When the transaction that inserted the row began; set by the database, never changed.';
COMMENT ON COLUMN public.cw_assessment_sessions.updated_at IS
    'When the row was last written; set by the database, later at every update of the row. Not an order across rows.';
COMMENT ON COLUMN public.cw_assessment_sessions.completed_at IS
    'When the payment was completed: there exactly while the status is completed or refunded.';

COMMENT ON CONSTRAINT email_format ON public.cw_assessment_sessions IS
    'The address is a Mailbox of RFC 5321 within its limits; a form, not proof that it takes mail.';
COMMENT ON CONSTRAINT first_name_not_empty ON public.cw_assessment_sessions IS
    'The first name has a character that shows: not only blanks, controls and invisible ones, by Unicode 16.';
COMMENT ON CONSTRAINT completed_at_with_status ON public.cw_assessment_sessions IS
    'completed_at is there exactly while the status is completed or refunded.';
COMMENT ON CONSTRAINT completed_at_not_before_created_at ON public.cw_assessment_sessions IS
    'No payment is completed before its session was created.';

COMMENT ON INDEX public.idx_cw_assessment_sessions_stripe_session_id IS
    'Matches a Stripe webhook to its row, of which there is one; leaves out rows that never reached checkout.';
COMMENT ON INDEX public.idx_cw_assessment_sessions_stripe_payment_intent_id IS
    'Matches a refund to its row, of which there is one; leaves out rows without a payment.';
COMMENT ON INDEX public.idx_cw_assessment_sessions_open_email IS
    'One pending row for each address, in upper or lower case.';

COMMENT ON FUNCTION public.update_cw_assessment_sessions_updated_at() IS
    'Trigger function: sets both times on INSERT; on UPDATE keeps created_at and moves updated_at on.';
COMMENT ON FUNCTION public.refuse_cw_assessment_sessions_payment_status() IS
    'Trigger function: refuses the write that its trigger''s condition has found.';
COMMENT ON TRIGGER trigger_cw_assessment_sessions_updated_at ON public.cw_assessment_sessions IS
    'Keeps created_at and updated_at on every INSERT and every UPDATE of a row.';
COMMENT ON TRIGGER trigger_cw_assessment_sessions_payment_start ON public.cw_assessment_sessions IS
    'A session starts as pending.';
COMMENT ON TRIGGER trigger_cw_assessment_sessions_payment_move ON public.cw_assessment_sessions IS
    'pending goes to completed or failed, completed to refunded; nothing else moves.';
