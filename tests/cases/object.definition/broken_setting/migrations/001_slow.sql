CREATE ROLE slow NOLOGIN;
ALTER ROLE slow SET lock_timeout = '1min';
