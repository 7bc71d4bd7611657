CREATE TABLE public.patients (name text, diagnosis text);
