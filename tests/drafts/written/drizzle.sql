CREATE SCHEMA "auth_app";
CREATE TYPE "public"."mood" AS ENUM('sad', 'ok', 'happy''s');
CREATE TABLE IF NOT EXISTS "accounts" (
	"userId" text NOT NULL,
	"provider" text NOT NULL,
	"expires_at" integer,
	"mood" "mood" DEFAULT 'ok' NOT NULL,
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "accounts_id_seq" INCREMENT BY 2 MINVALUE 1 MAXVALUE 2147483647 START WITH 10 CACHE 1),
	"full" text GENERATED ALWAYS AS ("userId" || ' ' || "provider") STORED,
	CONSTRAINT "accounts_provider_userId_unique" UNIQUE NULLS NOT DISTINCT("provider","userId"),
	CONSTRAINT "age_check1" CHECK ("accounts"."expires_at" > 21)
);
CREATE TABLE "auth_app"."sessions" ("token" char(32) PRIMARY KEY NOT NULL, "account" integer, "at" timestamp (6) with time zone DEFAULT now());
DO $$ BEGIN
 ALTER TABLE "auth_app"."sessions" ADD CONSTRAINT "sessions_account_accounts_id_fk" FOREIGN KEY ("account") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;
EXCEPTION WHEN duplicate_object THEN null; END $$;
CREATE INDEX IF NOT EXISTS "name_idx" ON "accounts" USING btree (lower("userId"),"provider" DESC NULLS LAST) WITH (fillfactor=70) WHERE "accounts"."expires_at" is not null;
CREATE VIEW "public"."happy" AS (select "userId", count(*) as "n" from "accounts" where "mood" = 'happy''s' group by 1);
---- rename
ALTER TABLE "accounts" RENAME COLUMN "userId" TO "user_id";
ALTER TABLE "accounts" RENAME TO "account";
ALTER TYPE "public"."mood" ADD VALUE 'meh' BEFORE 'ok';
ALTER TABLE "account" ALTER COLUMN "expires_at" SET DATA TYPE bigint;
DROP VIEW "public"."happy";
