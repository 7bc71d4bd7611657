-- CAUTION
SET application_name = 'pgcontract 123456789abc';
SELECT set_config('application_name', (SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'pgcontract%' LIMIT 1), false);
