create table public.notes (
    id bigint generated always as identity primary key,
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    body text not null
);
create index notes_owner_id on public.notes (owner_id);

revoke all on public.notes from anon, authenticated;
grant select, insert, update, delete on public.notes to authenticated, service_role;

alter table public.notes enable row level security;
create policy own_notes on public.notes for all to authenticated
    using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
