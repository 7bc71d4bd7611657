CREATE TABLE public.stock (left_over numeric);
CREATE INDEX stock_low ON public.stock (left_over) WHERE left_over < 1;
