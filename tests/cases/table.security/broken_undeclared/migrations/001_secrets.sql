CREATE TABLE public.secrets (words text);
ALTER TABLE public.secrets ENABLE ROW LEVEL SECURITY;
