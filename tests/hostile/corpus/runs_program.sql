-- BLOCKED
CREATE TABLE t (a text); COPY t FROM PROGRAM 'touch /tmp/pgcontract-hostile; id';
