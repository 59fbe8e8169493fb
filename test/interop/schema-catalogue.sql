-- What the first schema of the search path holds, one line per fact, in the
-- words of the catalogues. Two schemas of one make give the same lines,
-- whatever their names, if each is asked with itself on the search path.
-- Where there is no pg_dump of the server's version, this stands in for it.

WITH home AS (
    SELECT oid FROM pg_namespace WHERE nspname = current_schema()
), relation AS (
    SELECT class.* FROM pg_class AS class JOIN home ON class.relnamespace = home.oid
), fact (section, object, detail) AS (
    SELECT 'relation', relname::text,
           concat_ws(' ', 'kind', relkind, 'persistence', relpersistence,
                     'options', reloptions::text,
                     'row security', relrowsecurity, relforcerowsecurity,
                     'identity', relreplident)
    FROM relation
    UNION ALL
    -- The rank, not attnum: a column dropped in a migration leaves a gap.
    SELECT 'column', relation.relname || '.' || attname,
           concat_ws(' ', rank() OVER (PARTITION BY relation.oid ORDER BY attnum),
                     format_type(atttypid, atttypmod),
                     CASE WHEN attnotnull THEN 'NOT NULL' END,
                     'DEFAULT ' || pg_get_expr(adbin, adrelid),
                     'identity', attidentity, 'generated', attgenerated,
                     'collation', attcollation::regcollation,
                     'storage', attstorage)
    FROM relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT 'constraint', relation.relname || '.' || conname,
           pg_get_constraintdef(pg_constraint.oid, true)
           || CASE WHEN convalidated THEN '' ELSE ' not validated' END
    FROM relation JOIN pg_constraint ON conrelid = relation.oid
    UNION ALL
    SELECT 'index', relname::text,
           pg_get_indexdef(indexrelid, 0, true)
           || CASE WHEN indisvalid AND indisready THEN '' ELSE ' not usable' END
           || CASE WHEN indisprimary THEN ' primary' ELSE '' END
    FROM relation JOIN pg_index ON indexrelid = relation.oid
    UNION ALL
    SELECT 'sequence', relation.relname::text,
           concat_ws(' ', format_type(seqtypid, NULL), 'start', seqstart,
                     'step', seqincrement, 'from', seqmin, 'to', seqmax,
                     'cache', seqcache, 'cycle', seqcycle,
                     'of', refobjid::regclass, attname)
    FROM relation
    JOIN pg_sequence ON seqrelid = relation.oid
    LEFT JOIN pg_depend ON pg_depend.classid = 'pg_class'::regclass
          AND pg_depend.objid = seqrelid AND pg_depend.deptype IN ('a', 'i')
          AND pg_depend.refclassid = 'pg_class'::regclass
    LEFT JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    UNION ALL
    SELECT 'trigger', relation.relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid, true)
    FROM relation JOIN pg_trigger ON tgrelid = relation.oid AND NOT tgisinternal
    UNION ALL
    SELECT 'function', proname || '(' || pg_get_function_arguments(pg_proc.oid) || ')',
           concat_ws(' ', pg_get_function_result(pg_proc.oid), lanname, prokind,
                     'volatility', provolatile, 'strict', proisstrict,
                     'definer', prosecdef, 'parallel', proparallel,
                     'leakproof', proleakproof, 'cost', procost,
                     'settings', proconfig::text, E'body\n' || prosrc)
    FROM pg_proc JOIN home ON pronamespace = home.oid JOIN pg_language ON pg_language.oid = prolang
    UNION ALL
    SELECT 'type', typname::text,
           (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder)
            FROM pg_enum WHERE enumtypid = pg_type.oid)
    FROM pg_type JOIN home ON typnamespace = home.oid
    WHERE typtype = 'e'
    UNION ALL
    SELECT 'type', typname::text, concat('of kind ', typtype)
    FROM pg_type JOIN home ON typnamespace = home.oid
    WHERE typtype IN ('d', 'r') OR (typtype = 'c' AND typrelid IN (SELECT oid FROM relation WHERE relkind = 'c'))
)
SELECT section, object, detail FROM fact ORDER BY section, object COLLATE "C";
