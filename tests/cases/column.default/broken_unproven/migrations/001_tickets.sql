CREATE TABLE public.tickets (due date DEFAULT current_date + 7);
