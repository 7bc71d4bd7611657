-- One row is a publication; a table is followed by its column list and row filter where it has them.
-- Ran on 15, 16, 17 and 18: generated columns are published by choice since 18 (`generated` among the operations).
select
    pg_catalog.quote_ident(p.pubname) collate "C" as name,
    d.description as comment,
    p.puballtables as all_tables,
    array(
        select pg_catalog.concat(
            r.prrelid::pg_catalog.regclass::text,
            ' (' || (
                select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
                from pg_catalog.pg_attribute as a
                where a.attrelid = r.prrelid and a.attnum = any (r.prattrs::int2[])
            ) || ')',
            ' WHERE ' || pg_catalog.pg_get_expr(r.prqual, r.prrelid)
        ) collate "C" as each
        from pg_catalog.pg_publication_rel as r where r.prpubid = p.oid
        order by each
    ) as tables,
    array(
        select s.pnnspid::pg_catalog.regnamespace::text collate "C" as each
        from pg_catalog.pg_publication_namespace as s where s.pnpubid = p.oid
        order by each
    ) as schemas,
    pg_catalog.array_remove(array[
        case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
        case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end,
        case when p.generated = 's' then 'generated' end
    ], null) as operations,
    p.pubviaroot as via_root,
    p.pubowner::pg_catalog.regrole::text as owner
from (select 'n'::"char" as pubgencols) as before_18
cross join lateral (select *, pubgencols as generated from pg_catalog.pg_publication) as p
left join pg_catalog.pg_description as d
    on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_publication'::pg_catalog.regclass and d.objsubid = 0
order by name
