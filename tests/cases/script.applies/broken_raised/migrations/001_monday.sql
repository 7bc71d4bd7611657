DO $$
BEGIN
    RAISE EXCEPTION 'not on a Monday' USING HINT = 'Wait for Tuesday.';
END
$$;
