-- CAUTION
CREATE TEMP TABLE big AS SELECT repeat(md5(n::text), 20) AS t FROM generate_series(1, 2000) n;
SET work_mem = '64kB'; SELECT count(*) FROM (SELECT t FROM big ORDER BY t) s;
