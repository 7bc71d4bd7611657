CREATE TABLE public.frames (nr integer);
CREATE INDEX frames_nr ON public.frames (nr);
ALTER TABLE public.frames CLUSTER ON frames_nr;
