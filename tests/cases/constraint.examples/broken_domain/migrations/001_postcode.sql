CREATE DOMAIN public.postcode AS text CONSTRAINT postcode_format CHECK (VALUE ~ '[0-9]{5}');
