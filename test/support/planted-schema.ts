import { queryAll } from './query.js';
import type { TestDatabase } from './test-database.js';

/** A role whose search_path has a schema in which somebody has planted what our statements may take. */
export interface PlantedSchema {
  /** The `options` of a connection by which its session has the role and the search_path. */
  readonly options: string;
  /** Creates what is planted. Before that, TypeORM may ask its own questions. */
  plant(): Promise<void>;
  /** Removes the role, which would outlive the database. */
  remove(): Promise<void>;
}

/** What the server says when something planted was taken. */
export const PLANTED = /permission denied for (function|table)|domain/;

/**
 * Prepares a schema `evil` for copies of every function, operator, type and table of the catalogue, and
 * operators between any two types that River's columns or our parameters have. The role may use none
 * of them: Postgres checks this of each expression when a statement starts, whether or not a row gets
 * that far, so that a statement that takes anything planted fails.
 *
 * @param searchPath that of the role, with `evil` in it
 * @param withRiver whether River's own names are planted, too: for clients that name its schema
 */
export async function prepareEvil(
  database: TestDatabase,
  { searchPath, withRiver }: { readonly searchPath: string; readonly withRiver: boolean },
): Promise<PlantedSchema> {
  const role = `${database.name}_role`;
  const schema = `"${database.schema}"`;
  await queryAll(
    database,
    `create schema evil; create role "${role}"; grant usage on schema evil to "${role}";
     grant all on schema ${schema} to "${role}"; grant all on all tables in schema ${schema} to "${role}";
     grant all on all sequences in schema ${schema} to "${role}"`,
  );
  return {
    options: `-c role=${role} -c search_path=${searchPath.replace(/ /g, '')}`,
    plant: async () => {
      const river = withRiver ? plantRiver(schema) : '';
      await queryAll(
        database,
        `set search_path = pg_catalog; ${plantCatalog(schema)} ${river} ${DENY}`,
      );
    },
    remove: async () => {
      await queryAll(
        database,
        `set client_min_messages = error; drop owned by "${role}" cascade; drop role "${role}"`,
      );
    },
  };
}

const DENY = `
  revoke all on all functions in schema evil from public;
  revoke all on all tables in schema evil from public;`;

/** Operators of our statements, and others that look alike. */
const OPERATORS = '= <> < > <= >= + - * / ^ || -> ->> #> #>> @> <@ && & | ~~ !~~';
/** Types of their operands: of River's columns, of parameters and of results. */
const OPERANDS =
  'bool int2 int4 int8 float8 numeric text varchar name "char" oid regclass timestamptz interval jsonb json ' +
  'bytea bit text[] varchar[] int8[] jsonb[]';

// A function needs no body, since nobody may execute it. The domains' checks are of that kind, too.
const plantCatalog = (schema: string): string => `
do $$
declare
  planted record;
  operator text;
  operands regtype[] := array(
    select to_regtype(name)
    from unnest(string_to_array('${OPERANDS} ${schema}.river_job_state ${schema}.river_job_state[]', ' ')) as name
    where to_regtype(name) is not null
  );
begin
  create function evil.never() returns bool language internal as 'now';
  for planted in
    select proname as name, pg_get_function_result(oid) as result, pg_get_function_identity_arguments(oid) as arguments
    from pg_proc where pronamespace = 'pg_catalog'::regnamespace and prokind <> 'p'
      and not proargtypes::oid[] && array['internal', 'cstring']::regtype[]::oid[]
      and pg_get_function_identity_arguments(oid) not like '%ORDER BY%'
  loop
    execute format('create function evil.%I(%s) returns %s language internal as ''now''',
      planted.name, planted.arguments, planted.result);
  end loop;
  for planted in
    select one, other, names from (
      select oprleft::regtype as one, oprright::regtype as other, array_agg(distinct oprname::text) as names
      from pg_operator where oprleft <> 0 group by 1, 2
      union all
      select one, other, string_to_array('${OPERATORS}', ' ')
      from unnest(operands) as one, unnest(operands) as other
    ) as pairs
  loop
    execute format('create or replace function evil.operate(%s, %s) returns bool language internal as ''now''',
      planted.one, planted.other);
    foreach operator in array planted.names loop
      begin
        execute format('create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.operate)',
          operator, planted.one, planted.other);
      exception when duplicate_function then null;
      end;
    end loop;
  end loop;
  for planted in
    select relname as name from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
  loop
    execute format('create table evil.%I ()', planted.name);
  end loop;
  for planted in
    select typname as name from pg_type
    where typnamespace = 'pg_catalog'::regnamespace and typtype = 'b' and typcategory <> 'A'
  loop
    execute format('create domain evil.%1$I as pg_catalog.%1$I check (evil.never())', planted.name);
  end loop;
end
$$;`;

const plantRiver = (schema: string): string => `
  create table evil.river_job ();
  create table evil.river_queue ();
  create table evil.river_migration ();
  create sequence evil.river_job_id_seq;
  do $$
  begin
    if to_regtype('${schema}.river_job_state') is null then
      create domain evil.river_job_state as pg_catalog.text check (evil.never());
      return;
    end if;
    create domain evil.river_job_state as ${schema}.river_job_state check (evil.never());
    create function evil.river_job_state_in_bitmask(bit, ${schema}.river_job_state) returns bool
      language internal as 'now';
  end
  $$;`;
