create table public.categories (
    id bigint generated always as identity primary key,
    name text not null unique
);

revoke all on public.categories from anon, authenticated;
grant select on public.categories to anon, authenticated;
grant select, insert, update, delete on public.categories to service_role;

alter table public.categories enable row level security;
create policy everybody_reads on public.categories for select to anon, authenticated using (true);
