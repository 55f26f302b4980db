import { sql } from 'kysely'
import type { Db, DialectName } from '../database.ts'

/** What a database's tables are, in lines that two databases can be compared by. Used by the tests of this folder. */
export async function schemaFacts(db: Db, dialect: DialectName): Promise<string[]> {
  const { rows } = await (dialect === 'sqlite' ? SQLITE_FACTS : POSTGRES_FACTS).execute(db)
  return rows.map(row => row.fact.replace(/\s+/g, ' ')).filter(fact => !fact.includes('orrery_'))
}

/** Columns with position left out (an upgraded table has new ones last), foreign keys, indexes with their columns. */
const SQLITE_FACTS = sql<{ fact: string }>`
  select * from (
    select printf('column %s.%s %s notnull=%d default=%s pk=%d',
      m.name, c.name, c.type, c."notnull", coalesce(c.dflt_value, 'none'), c.pk) as fact
      from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'
    union all
    select printf('foreign key %s.%s -> %s.%s on delete %s', m.name, f."from", f."table", f."to", f.on_delete)
      from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table'
    union all
    select printf('index %s on %s (%s) unique=%d origin=%s', case i.origin when 'c' then i.name else '' end, m.name,
      (select group_concat(x.name) from pragma_index_info(i.name) x), i."unique", i.origin)
      from sqlite_master m, pragma_index_list(m.name) i where m.type = 'table'
  ) order by fact`

const POSTGRES_FACTS = sql<{ fact: string }>`
  select * from (
    select concat_ws(' ', 'column', table_name, column_name, data_type, character_maximum_length::text,
      'null=' || is_nullable, 'default=' || column_default) as fact
      from information_schema.columns where table_schema = current_schema()
    union all
    select 'index ' || indexdef from pg_indexes where schemaname = current_schema()
    union all
    select concat_ws(' ', 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid))
      from pg_constraint where connamespace = current_schema()::regnamespace
  ) facts order by fact`

/** The statements that made a SQLite database's tables, blanks normalised. */
export async function sqliteStatements(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string; sql: string }>`
    select name, sql from sqlite_master where sql is not null order by rowid`.execute(db)
  return rows.filter(row => !row.name.includes('orrery_')).map(row => row.sql.replace(/\s+/g, ' '))
}
