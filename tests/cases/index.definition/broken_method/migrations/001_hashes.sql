CREATE TABLE public.hashes (sum text);
CREATE INDEX hashes_sum ON public.hashes (sum);
