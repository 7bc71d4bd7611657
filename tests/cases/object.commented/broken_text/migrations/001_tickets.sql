CREATE SEQUENCE public.ticket_numbers;
COMMENT ON SEQUENCE public.ticket_numbers IS 'Todo';
