CREATE TABLE IF NOT EXISTS public.wallets (owner text, cents integer DEFAULT 0);
UPDATE public.wallets SET cents = cents + 100;
