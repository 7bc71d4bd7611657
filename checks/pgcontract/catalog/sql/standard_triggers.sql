-- One row is one event of a trigger as information_schema shows it to the asking role: a trigger for two events has
-- two rows, one for TRUNCATE none.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%%I.%%I', t.event_object_schema, t.event_object_table) collate "C" as "table",
    pg_catalog.quote_ident(t.trigger_name) collate "C" as name,
    t.event_manipulation::text as event_manipulation,
    t.action_timing::text as action_timing,
    t.action_orientation::text as action_orientation,
    t.action_condition::text as action_condition,
    t.action_statement::text as action_statement
from information_schema.triggers as t
where pg_catalog.quote_ident(t.event_object_schema) = any (%s::pg_catalog.text[])
order by 1, 2, 3
