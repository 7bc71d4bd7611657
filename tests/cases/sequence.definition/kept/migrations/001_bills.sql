CREATE TABLE public.bills (nr integer);
CREATE SEQUENCE public.bill_numbers AS integer START 1000 MINVALUE 1000 INCREMENT 10 CACHE 5 OWNED BY public.bills.nr;
