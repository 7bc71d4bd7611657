CREATE TABLE public.coupons (code varchar(4), CONSTRAINT code_upper CHECK (code = upper(code)));
