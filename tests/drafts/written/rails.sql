CREATE TABLE "schema_migrations" ("version" character varying NOT NULL PRIMARY KEY);
CREATE TABLE "ar_internal_metadata" ("key" character varying NOT NULL PRIMARY KEY, "value" character varying, "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL);
CREATE TYPE "status" AS ENUM ('draft', 'published');
CREATE TABLE "articles" ("id" bigserial primary key, "title" character varying(100) DEFAULT 'untitled' NOT NULL, "status" "status" DEFAULT 'draft' NOT NULL, "price" decimal(8,2), "views" integer DEFAULT 0 NOT NULL, "data" jsonb DEFAULT '{}' NOT NULL, "ratings" float[] DEFAULT '{}', "author_type" character varying, "author_id" bigint, "search" tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, coalesce("title", ''))) STORED, "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL, "lock_version" integer DEFAULT 0);
CREATE INDEX "index_articles_on_author" ON "articles" ("author_type", "author_id");
CREATE INDEX "index_articles_on_search" ON "articles" USING gin ("search");
CREATE INDEX "index_articles_on_data" ON "articles" USING gin ("data" jsonb_path_ops);
CREATE TABLE "comments" ("id" uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY, "article_id" bigint NOT NULL, "body" text, CONSTRAINT "fk_rails_3bf61a60d3" FOREIGN KEY ("article_id") REFERENCES "articles" ("id"));
CREATE INDEX "index_comments_on_article_id" ON "comments" ("article_id");
COMMENT ON TABLE "articles" IS 'What is read';
COMMENT ON COLUMN "articles"."title" IS 'It''s "shown"';
COMMENT ON INDEX "index_articles_on_search" IS 'finds words';
----
ALTER TABLE "articles" ADD CONSTRAINT "chk_rails_1" CHECK (price > 0) NOT VALID;
ALTER TABLE "articles" VALIDATE CONSTRAINT "chk_rails_1";
ALTER TABLE "articles" RENAME COLUMN "views" TO "reads";
ALTER INDEX "index_articles_on_author" RENAME TO "index_articles_on_writer";
ALTER TABLE "comments" DROP CONSTRAINT "fk_rails_3bf61a60d3";
INSERT INTO "schema_migrations" (version) VALUES ('20240101000000'), ('20240102000000');
----
TRUNCATE "schema_migrations";
DROP TABLE "comments";
COMMENT ON TABLE "articles" IS NULL;
