CREATE DOMAIN public.percentage AS numeric CONSTRAINT between_0_and_100 CHECK (VALUE BETWEEN 0 AND 100);
