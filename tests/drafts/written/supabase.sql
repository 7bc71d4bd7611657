create type public.app_role as enum ('admin', 'moderator');
create table public.profiles (
  id uuid references auth.users on delete cascade not null primary key,
  updated_at timestamp with time zone,
  username text unique,
  roles public.app_role[] not null default '{}',
  constraint username_length check (char_length(username) >= 3)
);
alter table profiles enable row level security;
create policy "Public profiles are viewable by everyone." on profiles for select using (true);
create policy "Users can insert their own profile." on profiles for insert with check ((select auth.uid()) = id);
create policy "Users can update own profile." on profiles for update to authenticated using ((select auth.uid()) = id);
create function public.handle_new_user() returns trigger set search_path = '' as $$
begin
  insert into public.profiles (id, username) values (new.id, new.raw_user_meta_data->>'full_name');
  return new;
end;
$$ language plpgsql security definer;
create trigger on_auth_user_created after insert on auth.users for each row execute procedure public.handle_new_user();
insert into storage.buckets (id, name) values ('avatars', 'avatars');
create policy "Avatar images are publicly accessible." on storage.objects for select using (bucket_id = 'avatars');
create policy "Anyone can upload an avatar." on storage.objects for insert with check (bucket_id = 'avatars');
----
alter table public.profiles add column website text;
alter table public.profiles rename column username to handle;
drop policy "Anyone can upload an avatar." on storage.objects;
create policy "One's own" on storage.objects for insert to authenticated with check (bucket_id = 'avatars' and auth.uid()::text = (storage.foldername(name))[1]);
create or replace function public.is_admin() returns boolean language sql stable security invoker as $$ select exists (select 1 from public.profiles where id = auth.uid() and 'admin' = any (roles)) $$;
revoke execute on function public.is_admin() from public, anon;
grant execute on function public.is_admin() to authenticated;
alter table public.profiles force row level security;
comment on table public.profiles is 'Who they are';
create materialized view public.counts as select count(*) as n from public.profiles with no data;
