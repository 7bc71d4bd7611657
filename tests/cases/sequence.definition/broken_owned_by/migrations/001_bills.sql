CREATE TABLE public.bills (nr bigint);
CREATE SEQUENCE public.bill_numbers;
