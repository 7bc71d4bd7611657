CREATE TYPE public.level AS ENUM ('high', 'low');
