CREATE TABLE public.stock (item text, left_over integer);
CREATE INDEX stock_low ON public.stock (item) WHERE left_over < 1;
