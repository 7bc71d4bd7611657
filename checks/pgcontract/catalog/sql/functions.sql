-- One row is a function, procedure, window function or aggregate. Cost and rows are null where they are what CREATE
-- FUNCTION would give. The body of an aggregate is the list of its parts, of a C function its library and symbol.
-- Ran on 15, 16, 17 and 18.
select
    p.oid::pg_catalog.regprocedure::text collate "C" as name,
    d.description as comment,
    case p.prokind
        when 'f' then 'function' when 'p' then 'procedure' when 'w' then 'window function' else 'aggregate'
    end as form,
    pg_catalog.pg_get_function_arguments(p.oid) as arguments,
    pg_catalog.pg_get_function_result(p.oid) as returns,
    pg_catalog.quote_ident(l.lanname) as language,
    case
        when p.prokind = 'a' then (
            select pg_catalog.concat_ws(', ',
                case g.aggkind when 'o' then 'ORDERED SET' when 'h' then 'HYPOTHETICAL' end,
                'SFUNC = ' || g.aggtransfn, 'STYPE = ' || g.aggtranstype::pg_catalog.regtype::text,
                'SSPACE = ' || nullif(g.aggtransspace, 0), 'INITCOND = ' || pg_catalog.quote_literal(g.agginitval),
                'FINALFUNC = ' || nullif(g.aggfinalfn, 0), case when g.aggfinalextra then 'FINALFUNC_EXTRA' end,
                'FINALFUNC_MODIFY = ' || g.aggfinalmodify::text,
                'COMBINEFUNC = ' || nullif(g.aggcombinefn, 0), 'SERIALFUNC = ' || nullif(g.aggserialfn, 0),
                'DESERIALFUNC = ' || nullif(g.aggdeserialfn, 0), 'MSFUNC = ' || nullif(g.aggmtransfn, 0),
                'MINVFUNC = ' || nullif(g.aggminvtransfn, 0), 'MFINALFUNC = ' || nullif(g.aggmfinalfn, 0),
                case when g.aggmfinalextra then 'MFINALFUNC_EXTRA' end,
                case when g.aggmtransfn <> 0 then 'MFINALFUNC_MODIFY = ' || g.aggmfinalmodify::text end,
                'MSTYPE = ' || nullif(g.aggmtranstype, 0)::pg_catalog.regtype::text,
                'MSSPACE = ' || nullif(g.aggmtransspace, 0), 'MINITCOND = ' || pg_catalog.quote_literal(g.aggminitval),
                'SORTOP = ' || nullif(g.aggsortop, 0)::pg_catalog.regoperator::text
            )
            from pg_catalog.pg_aggregate as g where g.aggfnoid = p.oid
        )
        when p.prosqlbody is not null then pg_catalog.pg_get_function_sqlbody(p.oid)
        else pg_catalog.concat_ws(', ', p.probin, p.prosrc)
    end as body,
    case when p.prosecdef then 'definer' else 'invoker' end as security,
    case p.provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end as volatility,
    p.proisstrict as strict,
    case p.proparallel when 'u' then 'unsafe' when 'r' then 'restricted' else 'safe' end as parallel,
    p.proleakproof as leakproof,
    nullif(p.procost, case when p.prokind = 'a' or l.lanname in ('c', 'internal') then 1 else 100 end) as cost,
    nullif(p.prorows, case when p.proretset then 1000 else 0 end) as rows,
    nullif(p.prosupport, 0)::pg_catalog.regproc::text as support,
    case when p.proconfig is null and p.protrftypes is null then '{}' else array(
        select each collate "C" from pg_catalog.unnest(p.proconfig) as each
        union all
        select 'TRANSFORM FOR TYPE ' || pg_catalog.format_type(each, null) from pg_catalog.unnest(p.protrftypes) as each
        order by 1
    ) end as settings,
    p.proowner::pg_catalog.regrole::text as owner
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_language as l on l.oid = p.prolang
left join pg_catalog.pg_description as d
    on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objsubid = 0
where
    p.oid >= 16384
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and p.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    )
    -- A range type brings constructors of its own, which say nothing that the type does not.
    and p.oid not in (
        select i.objid from pg_catalog.pg_depend as i
        where i.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and i.deptype = 'i'
            and i.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    )
order by name
