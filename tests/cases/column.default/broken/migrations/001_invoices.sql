CREATE TABLE public.invoices (state varchar(20));
