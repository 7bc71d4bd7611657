-- One object of every kind that the catalog reader knows, most attributes away from their defaults.
create role rich_reader nologin;
create role rich_owner superuser;
set role rich_owner;
create extension hstore;
create extension pg_trgm;
create schema "Odd";
create table public.plain (
    id int generated always as identity primary key,
    name text collate "C" not null default 'x',
    code varchar(10),
    total int generated always as (1 + 2) stored,
    "Odd Col" numeric(10, 2),
    constraint tricky check (name <> ' NOT VALID')
);
alter table public.plain add column dropped int, add column tags text[];
alter table public.plain alter tags set storage external;
alter table public.plain drop column dropped;
alter table public.plain alter code set statistics 50, alter code set (n_distinct = 5);
alter table public.plain set (fillfactor = 70, toast.autovacuum_enabled = off);
alter table public.plain replica identity full;
alter table public.plain enable row level security, force row level security;
insert into public.plain (code) values ('one'), ('two');
create unlogged table "Odd"."T" (
    a int constraint points references public.plain (id) on delete cascade deferrable initially deferred,
    t text,
    during int4range,
    constraint apart exclude using gist (during with &&)
);
alter table "Odd"."T" add constraint positive check (a > 0) no inherit not valid;
create table public.child (extra int) inherits (public.plain);
create unique index every on "Odd"."T"
    (lower(t) collate "POSIX" text_pattern_ops desc nulls last, a nulls first) include (during)
    nulls not distinct with (fillfactor = 60) where a > 1;
create index hashed on public.plain using hash (code);
create index padded on public.plain (code bpchar_ops);
create function public.stamp() returns trigger language plpgsql as $$begin return new; end$$;
create trigger renamed before insert or update of name, code on public.plain
    for each row when (new.name is distinct from 'WHEN (a) EXECUTE FUNCTION') execute function public.stamp('a', 'ü b', '');
alter table public.plain enable always trigger renamed;
create constraint trigger late after delete on public.plain deferrable initially deferred
    for each row execute function public.stamp();
create trigger told after update on public.plain referencing old table as before new table as after
    for each statement execute function public.stamp();
create trigger emptied before truncate on public.plain for each statement execute function public.stamp();
create table public.parted (id int, day date, primary key (id, day)) partition by range (day);
create table public.parted_2020 partition of public.parted for values from ('2020-01-01') to ('2021-01-01');
create index by_day on public.parted (day);
create trigger each_part after insert on public.parted for each row execute function public.stamp();
create table public.points (id int, day date, foreign key (id, day) references public.parted);
create type public.mood as enum ('sad', 'ok', 'happy');
create type public.pair as (a int, b text collate "C");
create type public.floats as range (subtype = float8, subtype_diff = float8mi);
create domain public.short as varchar(5) not null default 'a' constraint filled check (value <> '');
create view public.seen with (security_barrier) as select 1 as one;
create materialized view public.kept as select 2 as two with no data;
create rule quiet as on insert to public.seen do instead nothing;
create function public.answer(a int default 3) returns int stable strict parallel safe cost 7 security definer
    set search_path = pg_catalog set work_mem = '1MB' begin atomic select a; end;
create function public.many(variadic v text[]) returns setof text language sql rows 5 as 'select 1';
create procedure public.does(in a int, inout b int) language sql as 'select 1';
create aggregate public.added(int) (sfunc = int4pl, stype = int, initcond = '0');
create sequence public.numbers as smallint start 5 increment -2 minvalue -10 maxvalue 5 cache 3 cycle owned by public.plain.code;
create policy mine on public.plain as restrictive for update to rich_reader using (id > 0) with check (id > 1);
create statistics public.together (mcv, ndistinct) on name, code from public.plain;
alter statistics public.together set statistics 7;
create function public.watched() returns event_trigger language plpgsql as $$begin end$$;
create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function public.watched();
alter event trigger watch disable;
create publication told for table public.plain where (id > 1), tables in schema "Odd"
    with (publish = 'insert, delete', publish_via_partition_root = true);
create publication narrow for table public.parted_2020 (day, id);
create operator public.=== (leftarg = int, rightarg = int, function = int4eq);
create collation public.plainly from "C";
create foreign data wrapper wrapper;
create server elsewhere foreign data wrapper wrapper;
create foreign table public.far (id int options (key 'true')) server elsewhere options (a 'b');
grant select, insert on public.plain to rich_reader with grant option;
grant update (name) on public.plain to rich_reader;
revoke execute on function public.answer from public;
revoke delete on public.points from rich_owner;
alter default privileges grant select on tables to rich_reader;
alter default privileges revoke execute on functions from public;
alter default privileges in schema "Odd" grant usage on sequences to public;
alter role rich_reader set search_path = "Odd";
comment on table public.plain is 'A table';
comment on column public.plain.name is 'A column';
comment on constraint tricky on public.plain is 'A constraint';
comment on index public.hashed is 'An index';
comment on trigger renamed on public.plain is 'A trigger';
comment on function public.stamp() is 'A function';
comment on view public.seen is 'A view';
comment on rule quiet on public.seen is 'A rule';
comment on type public.mood is 'A type';
comment on domain public.short is 'A domain';
comment on constraint filled on domain public.short is 'A domain''s constraint';
comment on sequence public.numbers is 'A sequence';
comment on policy mine on public.plain is 'A policy';
comment on statistics public.together is 'Statistics';
comment on event trigger watch is 'An event trigger';
comment on publication told is 'A publication';
comment on operator public.=== (int, int) is 'An operator';
comment on schema "Odd" is 'A schema';
comment on role rich_reader is 'A role';
comment on type public.pair is 'A composite';
comment on column public.seen.one is 'A view''s column';
