CREATE TABLE public.forms (answers jsonb NOT NULL CHECK (jsonb_typeof(answers) = 'object'));
