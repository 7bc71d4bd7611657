CREATE TABLE public.pumps (id integer, litres integer);
CREATE TRIGGER IF NOT EXISTS t BEFORE UPDATE ON public.pumps EXECUTE FUNCTION public.f();
