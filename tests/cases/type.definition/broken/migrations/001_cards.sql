CREATE TYPE public.suit AS ENUM ('clubs', 'hearts', 'spades');
