CREATE FUNCTION public.initials(first text, last varchar DEFAULT '') RETURNS char(2)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN left(first, 1) || left(last, 1);
END
$$;
