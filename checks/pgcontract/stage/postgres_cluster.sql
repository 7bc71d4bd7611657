-- A plain PostgreSQL: one ordinary login role that migrates and owns its database. Runs on 15 to 18.
CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE;
