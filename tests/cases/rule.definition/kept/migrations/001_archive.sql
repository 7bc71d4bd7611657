CREATE TABLE public.archive (line text);
CREATE RULE frozen AS ON DELETE TO public.archive DO INSTEAD NOTHING;
