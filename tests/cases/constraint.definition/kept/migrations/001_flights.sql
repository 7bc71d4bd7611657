CREATE TABLE public.airports (iata text PRIMARY KEY);
CREATE TABLE public.flights (
    number text,
    origin text,
    class text,
    CONSTRAINT class_known CHECK (class IN ('economy', 'business')),
    CONSTRAINT number_once UNIQUE (number),
    CONSTRAINT origin_known FOREIGN KEY (origin) REFERENCES public.airports ON DELETE CASCADE
);
