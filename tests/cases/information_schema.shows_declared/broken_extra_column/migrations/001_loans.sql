CREATE TABLE public.loans (borrower varchar(40), note text);
