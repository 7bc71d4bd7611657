CREATE SCHEMA "My App";
CREATE TABLE "My App"."Order" (
    "Id" integer PRIMARY KEY, "select" text, "a.b" text, "say ""hi""" text, "it's" text, "größe" text,
    CONSTRAINT "Two Words" UNIQUE ("select", "a.b"),
    CONSTRAINT "is""it" CHECK ("it's" <> "say ""hi""")
);
CREATE INDEX "An Index" ON "My App"."Order" ("größe" DESC, lower("it's"));
CREATE FUNCTION "My App"."Do It"("A" integer, text DEFAULT ',)') RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE SEQUENCE "My App"."Seq.1";
GRANT SELECT ON "My App"."Order" TO "Some One";
