CREATE TABLE public.rooms (
    code varchar(12),
    size_m2 decimal(6, 2),
    opened timestamptz(3),
    tags text[],
    label text COLLATE "C"
);
