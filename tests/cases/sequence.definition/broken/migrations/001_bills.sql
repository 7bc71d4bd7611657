CREATE SEQUENCE public.bill_numbers AS integer;
