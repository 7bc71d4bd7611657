CREATE TABLE public.bookings (
    room int4range NOT NULL, during tstzrange NOT NULL, cancelled boolean DEFAULT false, note text,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (NOT cancelled)
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT lowered EXCLUDE (lower(note) COLLATE "C" text_pattern_ops WITH =)
);
CREATE UNIQUE INDEX room_once ON public.bookings (room) NULLS NOT DISTINCT;
