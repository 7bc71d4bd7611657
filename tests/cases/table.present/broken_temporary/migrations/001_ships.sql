CREATE TEMPORARY TABLE ships (name text);
