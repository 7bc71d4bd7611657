CREATE TABLE public.loans (borrower varchar(40), due timestamp);
