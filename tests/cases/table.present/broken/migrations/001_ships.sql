CREATE TABLE public."Ships" (name text);
