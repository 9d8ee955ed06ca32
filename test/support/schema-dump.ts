import type { Queryable } from '../../src/db.ts'

/** The schema of a migrated database as SQL to read: types, tables, constraints and indexes. */
export async function dumpSchema(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ statement: string }>(dumpSql)
  const head = '-- What the migrations add up to, without the partitions of days. Made by a test.'
  return `${[head, ...rows.map(({ statement }) => `${statement};`)].join('\n\n')}\n`
}

// Everything of ours is in the schema "public"; pg-boss keeps its own tables elsewhere.
const dumpSql = `/* dumpSchema */
with ours as (
  select oid, relname as name, relkind, relpartbound, relpersistence from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    and relname !~ '_[0-9]{8}$' and relname <> 'migration'
), columns as (
  select ours.oid, string_agg(format('  %I %s%s%s', attname, format_type(atttypid, atttypmod),
      case when attnotnull then ' not null' else '' end,
      coalesce(' default ' || pg_get_expr(adbin, adrelid), '')), E',\\n' order by attnum) as text
  from ours join pg_attribute on attrelid = ours.oid and attnum > 0 and not attisdropped
  left join pg_attrdef on adrelid = ours.oid and adnum = attnum
  group by ours.oid
), constraints as (
  select ours.oid, string_agg(format(E',\\n  constraint %I %s', conname,
      pg_get_constraintdef(pg_constraint.oid)), '' order by contype <> 'p', conname) as text
  from ours join pg_constraint on conrelid = ours.oid and contype <> 'n' group by ours.oid
)
select statement from (
  select 1 as part, typname::text as name, format('create type %I as enum (%s)', typname,
    string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)) as statement
  from pg_type join pg_enum on enumtypid = pg_type.oid
  where typnamespace = 'public'::regnamespace group by typname
  union all
  select 2, ours.name, case
    when relpartbound is not null then format('create table %I partition of %s %s', ours.name,
      inhparent::regclass, pg_get_expr(relpartbound, ours.oid))
    else format(E'create %stable %I (\\n%s%s\\n)%s',
      case relpersistence when 'u' then 'unlogged ' else '' end,
      ours.name, columns.text, constraints.text,
      coalesce(' partition by ' || pg_get_partkeydef(ours.oid), '')) end
  from ours join columns using (oid) left join constraints using (oid)
  left join pg_inherits on inhrelid = ours.oid
  union all
  select 3, ours.name || indexrelid::regclass::text, pg_get_indexdef(indexrelid)
  from ours join pg_index on indrelid = ours.oid
  where ours.relpartbound is null and not exists (
    select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))
) dump order by part, name`
