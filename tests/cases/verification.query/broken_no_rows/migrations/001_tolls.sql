CREATE TABLE public.tolls (gate text NOT NULL, cents integer DEFAULT 250);
