CREATE TABLE public.stays (guest text, nights text);
