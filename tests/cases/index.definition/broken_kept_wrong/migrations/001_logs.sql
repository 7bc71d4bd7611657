CREATE TABLE public.logs (level text, at timestamptz);
CREATE INDEX logs_idx ON public.logs (at);
CREATE INDEX IF NOT EXISTS logs_idx ON public.logs (level);
