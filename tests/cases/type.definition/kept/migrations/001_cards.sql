CREATE TYPE public.suit AS ENUM ('clubs', 'hearts');
CREATE TYPE public.card AS (suit public.suit, rank int, note varchar(5));
CREATE DOMAIN public.stake AS decimal(8, 2) DEFAULT 1.50 NOT NULL;
CREATE TYPE public.stakes AS RANGE (SUBTYPE = numeric);
