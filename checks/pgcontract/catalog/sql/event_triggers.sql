-- One row is an event trigger of the database.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.quote_ident(e.evtname) collate "C" as name,
    d.description as comment,
    e.evtevent as event,
    coalesce(e.evttags, '{}') as tags,
    e.evtfoid::pg_catalog.regprocedure::text as function,
    case e.evtenabled
        when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always'
    end as enabled,
    e.evtowner::pg_catalog.regrole::text as owner
from pg_catalog.pg_event_trigger as e
left join pg_catalog.pg_description as d
    on d.objoid = e.oid and d.classoid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass and d.objsubid = 0
where
    e.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
    )
order by name
