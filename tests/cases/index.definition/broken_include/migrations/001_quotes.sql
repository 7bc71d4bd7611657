CREATE TABLE public.quotes (symbol text, price numeric);
CREATE INDEX quotes_symbol ON public.quotes (symbol, price);
