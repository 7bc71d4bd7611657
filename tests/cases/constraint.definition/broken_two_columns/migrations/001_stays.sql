CREATE TABLE public.stays (
    arrival date,
    departure date,
    CONSTRAINT in_order CHECK (arrival <= departure)
);
