CREATE TABLE public.loans (days integer);
