CREATE ROLE keeper NOLOGIN;
GRANT keeper TO postgres;
GRANT CREATE ON SCHEMA public TO keeper;
CREATE TABLE public.vault (gold integer);
ALTER TABLE public.vault OWNER TO keeper;
