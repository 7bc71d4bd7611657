CREATE TABLE public.alarms (rings_at timestamp);
