CREATE SCHEMA shop;
CREATE TABLE shop.tills (nr integer);
