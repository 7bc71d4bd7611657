CREATE TABLE public.frames (nr integer NOT NULL);
CREATE UNIQUE INDEX frames_nr ON public.frames (nr);
