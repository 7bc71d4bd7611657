CREATE TABLE public.mails (to_user integer, read_at timestamptz);
CREATE INDEX mails_unread ON public.mails (to_user);
