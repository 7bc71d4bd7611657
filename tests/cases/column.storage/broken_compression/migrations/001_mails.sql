CREATE TABLE public.mails (body text COMPRESSION pglz);
