CREATE TABLE public.bills (nr bigint);
