"""What a database consists of, read from its catalogue: one line for everything that can differ."""

import psycopg

OURS = "('public', 'private')"

QUESTIONS = {
    "schema": "select nspname, {acl} from pg_namespace t where nspname in {ours}",
    "table": """
        select t.oid::regclass, concat_ws(' ', t.relkind, t.relpersistence, 'walled', t.relrowsecurity, 'forced', t.relforcerowsecurity,
          'of', t.relowner::regrole, t.reloptions, pg_get_partkeydef(t.oid), pg_get_expr(t.relpartbound, t.oid), {acl})
        from pg_class t where t.relnamespace::regnamespace::text in {ours} and t.relkind not in ('i', 'I', 't')""",
    "column": """
        select concat(t.attrelid::regclass, '.', t.attname), concat_ws(' ', row_number() over (partition by t.attrelid order by t.attnum),
          format_type(t.atttypid, t.atttypmod),
          case when t.attnotnull then 'not null' end, 'default', pg_get_expr(d.adbin, d.adrelid), t.attidentity, t.attgenerated, {acl})
        from pg_attribute t join pg_class c on c.oid = t.attrelid
        left join pg_attrdef d on d.adrelid = t.attrelid and d.adnum = t.attnum
        where c.relnamespace::regnamespace::text in {ours} and c.relkind not in ('i', 'I', 't') and t.attnum > 0
          and not t.attisdropped""",
    "constraint": """
        select concat_ws(' ', t.conrelid::regclass, t.conname), concat_ws(' valid ', pg_get_constraintdef(t.oid), t.convalidated)
        from pg_constraint t where t.connamespace::regnamespace::text in {ours}""",
    "index": """
        select t.indexrelid::regclass, concat_ws(' ', pg_get_indexdef(t.indexrelid), c.reloptions, 'valid', t.indisvalid)
        from pg_index t join pg_class c on c.oid = t.indexrelid where c.relnamespace::regnamespace::text in {ours}""",
    "view": """
        select t.oid::regclass, pg_get_viewdef(t.oid) from pg_class t where t.relnamespace::regnamespace::text in {ours} and t.relkind = 'v'""",
    "policy": """
        select concat_ws(' ', t.polrelid::regclass, t.polname), concat_ws(' ', t.polcmd, 'permissive', t.polpermissive,
          'to', t.polroles::regrole[], 'using', pg_get_expr(t.polqual, t.polrelid), 'check', pg_get_expr(t.polwithcheck, t.polrelid))
        from pg_policy t""",
    "function": """
        select t.oid::regprocedure, concat_ws(' ', pg_get_functiondef(t.oid), 'of', t.proowner::regrole, {acl})
        from pg_proc t where t.pronamespace::regnamespace::text in {ours}""",
    "trigger": """
        select concat_ws(' ', t.tgrelid::regclass, t.tgname), concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
        from pg_trigger t where not t.tgisinternal""",
    "type": """
        select t.oid::regtype, t.typtype from pg_type t
        where t.typnamespace::regnamespace::text in {ours} and t.typtype <> 'c' and t.typelem = 0""",
    "default privilege": "select concat_ws(' ', t.defaclrole::regrole, t.defaclnamespace, t.defaclobjtype), {acl} from pg_default_acl t",
    "extension": "select extname, extversion from pg_extension",
    "setting": """
        select setrole, setconfig from pg_db_role_setting
        where setdatabase in (0, (select oid from pg_database where datname = current_database()))""",
    "plan": "select id, to_jsonb(t) - array['created_at', 'updated_at'] from subscription_plans t",
    "plan price": "select concat_ws(' ', lookup_key, version), to_jsonb(t) - 'created_at' from plan_prices t",
    "permission": "select concat_ws(' ', role, permission), '' from role_permissions",
    "metric": "select metric, to_jsonb(t) from usage_metrics t",
    "sealed column": "select place, to_jsonb(t) from private.sealed_columns t",
}

# The column of grants of each catalogue, written out and in one order; null, which means the default, differs from any list.
ACLS = {"schema": "nspacl", "table": "relacl", "column": "attacl", "function": "proacl", "default privilege": "defaclacl"}
ACL = """coalesce((
  select 'granted ' || string_agg(concat(g.grantee::regrole, ' ', g.privilege_type, case when g.is_grantable then '*' end), ', '
    order by g.grantee::regrole::text, g.privilege_type)
  from aclexplode(t.{column}) g), 'granted by default')"""


def read(owner_url: str) -> dict[str, str]:
    """Every part of the database: its kind and name -> everything about it."""
    parts: dict[str, str] = {}
    with psycopg.connect(owner_url) as connection:
        for kind, template in QUESTIONS.items():
            question = template.format(ours=OURS, acl=ACL.format(column=ACLS[kind]) if kind in ACLS else "")
            for name, about in connection.execute(question).fetchall():  # type: ignore[arg-type]  # our own texts
                parts[f"{kind} {name}"] = str(about)
    return parts


def differences(migrated: dict[str, str], written: dict[str, str]) -> list[str]:
    """What is in one and not in the other, or differs, readably."""
    told = []
    for name in sorted(migrated.keys() | written.keys()):
        ours, theirs = migrated.get(name), written.get(name)
        if ours != theirs:
            told.append(f"{name}\n  migrations: {ours or 'nothing'}\n  schema.sql: {theirs or 'nothing'}")
    return told
