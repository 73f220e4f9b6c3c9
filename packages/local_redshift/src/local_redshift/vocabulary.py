"""What Redshift's SQL has, and what it has not though PostgreSQL does."""

from __future__ import annotations

import re

from sqlglot import exp

_T = exp.DType

# Page c_Supported_data_types, without SUPER, VARBYTE, GEOMETRY, GEOGRAPHY, HLLSKETCH and intervals, which are not offered here.
TYPES = frozenset(
    {_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, _T.FLOAT, _T.DOUBLE, _T.BOOLEAN}
    | {_T.CHAR, _T.NCHAR, _T.BPCHAR, _T.VARCHAR, _T.NVARCHAR, _T.TEXT}
    | {_T.DATE, _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIME, _T.TIMETZ}
)

# The words of types that are Redshift's (same page), and of what sqlglot calls a type. Every other is a name, as it is there.
TYPE_WORDS = frozenset(
    {"BIGINT", "BINARY VARYING", "BOOL", "BOOLEAN", "BPCHAR", "CHAR", "CHARACTER", "CHARACTER VARYING", "DATE", "DEC", "DECIMAL"}
    | {"DOUBLE PRECISION", "FLOAT", "FLOAT4", "FLOAT8", "GEOGRAPHY", "GEOMETRY", "HLLSKETCH", "INT", "INT2", "INT4", "INT8"}
    | {"INTEGER", "INTERVAL", "NCHAR", "NUMERIC", "NVARCHAR", "REAL", "SMALLINT", "SUPER", "TEXT", "TIME", "TIMESTAMP"}
    | {"TIMESTAMPTZ", "TIMETZ", "VARBINARY", "VARBYTE", "VARCHAR"}
    | {"ARRAY", "NULL", "RANGE", "STRUCT", "UNION", "UNKNOWN"}
)
# Words and signs that are operators in other databases only.
OTHER_WORDS = frozenset({"==", "??", "?::", "GLOB", "REGEXP", "RLIKE", "XOR"})

# Types of Redshift that are not offered here (same page).
OTHER_TYPES = frozenset({_T.SUPER, _T.VARBINARY, _T.GEOMETRY, _T.GEOGRAPHY, _T.HLLSKETCH, _T.INTERVAL})

# Types that the leader node has for its catalogs (page c_unsupported-postgresql-datatypes).
CATALOG_TYPES = frozenset("ACLITEM CHAR NAME OID REGCLASS REGPROC REGPROCEDURE REGTYPE".split())  # noqa: SIM905 - as below

# Statements of Redshift that are not offered here (page c_SQL_commands).
OTHER_STATEMENTS = frozenset(
    """
    ASSOCIATE ATTACH CANCEL CLOSE DEALLOCATE DECLARE DESC DETACH EXECUTE FETCH PREPARE REFRESH RESET SHOW USE
    """.split()  # noqa: SIM905 - as below
)

# What PostgreSQL creates and Redshift does not (page c_unsupported-postgresql-features, and what CREATE's pages do not name).
POSTGRES_OBJECTS = frozenset(
    """
    ACCESS AGGREGATE CAST COLLATION CONVERSION DOMAIN EXTENSION FOREIGN INDEX OPERATOR POLICY PUBLICATION RULE SEQUENCE
    STATISTICS SUBSCRIPTION TABLESPACE TEXT TRIGGER TYPE UNIQUE UNLOGGED
    """.split()  # noqa: SIM905 - as below
)

# What Redshift creates, alters or drops and is not offered here (page c_SQL_commands).
OTHER_OBJECTS = frozenset(
    """
    CONNECTION DATABASE DATASHARE DEFAULT EXTERNAL FUNCTION GLOBAL GROUP IDENTITY LIBRARY MASKING MATERIALIZED MODEL PROCEDURE
    RLS ROLE SCHEMA SYSTEM TABLE TEMPLATE USER VIEW
    """.split()  # noqa: SIM905 - as below
)

# Page r_Dateparts_for_datetime_functions: each part and its other names. Decades are left out: Redshift counts them otherwise.
_PARTS = """
    millennium: millennia mil mils
    century: centuries c cent cents
    epoch:
    year: years y yr yrs
    quarter: quarters qtr qtrs
    month: months mon mons
    week: weeks w
    dow: dayofweek dw weekday
    doy: dayofyear dy yearday
    day: days d
    hour: hours h hr hrs
    minute: minutes m min mins
    second: seconds s sec secs
    millisecond: milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon
    microsecond: microseconds microsec microsecs microsecond usecond useconds us usec usecs
"""
DATE_PARTS = {
    name: part.strip()
    for part, _, names in (line.partition(":") for line in _PARTS.strip().splitlines())
    for name in (part.strip(), *names.split())
}

# What a tree of an offered statement is made of. sqlglot reads many databases' SQL: whatever else it reads is not offered here,
# rather than written for PostgreSQL as well as sqlglot can.
KNOWN_NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select,
        exp.From,
        exp.Join,
        exp.Where,
        exp.Group,
        exp.Having,
        exp.Order,
        exp.Ordered,
        exp.Limit,
        exp.Offset,
        exp.Distinct,
    }
    | {exp.Cube, exp.GroupingSets, exp.Rollup, exp.Qualify, exp.With, exp.CTE, exp.Subquery, exp.Union, exp.Except, exp.Intersect}
    | {exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Whens, exp.When, exp.Values, exp.Schema, exp.Into}
    | {exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Var, exp.Dot, exp.Paren, exp.Tuple}
    | {
        exp.Literal,
        exp.Boolean,
        exp.Null,
        exp.Placeholder,
        exp.Parameter,
        exp.Cast,
        exp.DataType,
        exp.DataTypeParam,
        exp.Interval,
    }
    | {exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Pow, exp.Neg, exp.DPipe, exp.Sqrt, exp.Cbrt}
    | {exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot, exp.BitwiseLeftShift, exp.BitwiseRightShift}
    | {exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is, exp.Exists}
    | {exp.Any, exp.All, exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.Escape}
    | {exp.Anonymous, exp.Case, exp.If, exp.DecodeCase, exp.Extract, exp.StrPosition, exp.Substring, exp.Trim, exp.AtTimeZone}
    | {exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentUser, exp.SessionUser, exp.CurrentSchema}
    | {exp.Window, exp.WindowSpec, exp.WithinGroup, exp.Heredoc, exp.RawString}
)
# And what may be said of each: what sqlglot reads beside (hints, samples, pivots, EXCLUDE) is not.
KNOWN_PARTS: dict[type[exp.Expr], frozenset[str]] = {
    kind: frozenset(parts.split())
    for kind, parts in (
        (exp.Select, "distinct expressions from_ group having into joins limit offset order qualify where with_"),
        (exp.Table, "alias db joins this"),
        (exp.Join, "kind method on side this using"),
        (exp.Star, ""),
        (exp.Group, "expressions"),
        (exp.Between, "high low this"),
        (exp.Insert, "default expression this"),
        (exp.Update, "expressions from_ this where with_"),
        (exp.Delete, "this using where with_"),
        (exp.Into, "temporary this"),
        (exp.Limit, "expression"),
        (exp.Offset, "expression"),
        (exp.Ordered, "desc nulls_first this"),
        (exp.Alias, "alias this"),
        (exp.Cast, "this to"),
        (exp.Column, "db join_mark table this"),
        (exp.CTE, "alias materialized this"),
        (exp.DataType, "expressions kind nested this"),
        (exp.In, "expressions query this"),
        (exp.Interval, "this unit"),
        (exp.Merge, "on this using whens with_"),
        (exp.RegexpLike, "expression this"),
        (exp.StrPosition, "substr this"),
        (exp.Subquery, "alias joins limit offset order this with_"),
        (exp.Trim, "expression position this"),
        (exp.Values, "expressions"),
        (exp.Window, "order over partition_by spec this"),
        (exp.With, "expressions recursive"),
        *((kind, "distinct expression limit offset order this with_") for kind in (exp.Union, exp.Except, exp.Intersect)),
    )
}

# Functions of Redshift that are here: PostgreSQL's own where they agree, functions.sql's, or rewritten by expressions.py.
FUNCTIONS = frozenset(
    """
    abs acos add_months any_value ascii asin atan atan2 avg bit_and bit_or bool_and bool_or btrim ceil ceiling
    char_length character_length charindex chr coalesce concat convert_timezone cos cot count cume_dist current_database
    current_schema current_schemas current_setting date_add date_diff date_part date_trunc dateadd datediff degrees
    dense_rank exp first_value floor getdate greatest has_database_privilege has_schema_privilege
    has_table_privilege initcap lag last_day last_value
    lead least left len length listagg ln lower lpad ltrim max md5 median min mod months_between next_day
    nth_value ntile nullif nvl nvl2 octet_length percent_rank percentile_cont percentile_disc pg_backend_pid
    pg_last_unload_count pgdate_part pi
    position power quote_ident quote_literal radians random rank regexp_count regexp_instr regexp_replace
    regexp_substr repeat replace replicate reverse right round row_number rpad rtrim sign sin split_part sqrt stddev
    stddev_pop stddev_samp  strpos strtol substring sum sysdate tan textlen to_char to_date to_number
    to_timestamp translate trim trunc upper var_pop var_samp variance version
    """.split()  # noqa: SIM905 - a list of words reads better than a list of quoted words
)

# Page c_SQL_functions_leader_node_only.
LEADER_FUNCTIONS = frozenset(
    """
    age current_schema current_schemas get_byte has_database_privilege has_schema_privilege has_table_privilege isfinite now
    set_bit set_byte substr to_ascii version
    """.split()  # noqa: SIM905 - as above
)

_NAMED_POSTGRES = """
    all any some: of arrays they are PostgreSQL's, use IN
    row: row constructors are PostgreSQL's
    string_agg array_agg: it is PostgreSQL's; Redshift has LISTAGG
    every: it is PostgreSQL's; Redshift has BOOL_AND
    nextval currval lastval setval: Redshift has no sequences; use IDENTITY columns
    clock_timestamp statement_timestamp transaction_timestamp: it is PostgreSQL's; use GETDATE() or SYSDATE
    array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_upper cardinality string_to_array
    trim_array: arrays are PostgreSQL's
    bit_length convert_from convert_to corr covar_pop covar_samp current_query div encode format generate_subscripts
    inet_client_addr inet_client_port inet_server_addr inet_server_port isodow jsonb_agg json_agg json_object_agg justify_days
    justify_hours justify_interval make_date make_interval make_timestamp mode num_nonnulls num_nulls overlay
    pg_advisory_lock pg_advisory_unlock pg_advisory_xact_lock pg_conf_load_time pg_is_other_temp_schema pg_listening_channels
    pg_my_temp_schema pg_postmaster_start_time pg_sleep pg_trigger_depth pg_try_advisory_lock plainto_tsquery quote_nullable
    regexp_match regexp_matches regexp_split_to_array regexp_split_to_table regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy row_to_json setseed starts_with to_json to_jsonb to_tsquery to_tsvector ts_rank
    txid_current width_bucket xml_agg xmlagg xmlelement xmlforest xpath: it is PostgreSQL's
"""
POSTGRES_FUNCTIONS = {
    name: reason.strip() for names, reason in re.findall(r"([\w\s]+):(.*)", _NAMED_POSTGRES) for name in names.split()
}

# Functions of Redshift that are not offered here, and why.
OTHER_FUNCTIONS = {
    "array": "it makes a SUPER",
    "array_to_string": "Redshift has arrays in its catalogs only",
    "substr": "on tables Redshift refuses it (c_SQL_functions_leader_node_only); use SUBSTRING",
    "generate_series": "Redshift runs it on the leader node only, so never with tables; join a calendar table",
    "fnv_hash": "its value depends on types in a way PostgreSQL cannot give; use STRTOL of MD5",
    "now": "it is deprecated and runs on the leader node only; use GETDATE()",
    "age": "it is deprecated and runs on the leader node only; use DATEDIFF",
    "log": "its base differs between databases and versions; use LN",
    "crc32": "PostgreSQL's takes other arguments; use MD5",
}

# Page r_Window_function_synopsis: an ORDER BY makes these need a frame, and those refuse one.
FRAMED_FUNCTIONS = frozenset(
    """
    avg bool_and bool_or count first_value last_value max min nth_value stddev stddev_pop stddev_samp sum var_pop var_samp
    variance
    """.split()  # noqa: SIM905 - as above
)
RANKING_FUNCTIONS = frozenset(("cume_dist", "dense_rank", "lag", "lead", "ntile", "percent_rank", "rank", "row_number"))

REFUSED_NODES: dict[type[exp.Expr], str] = {
    exp.OnConflict: "ON CONFLICT is PostgreSQL's; Redshift has MERGE",
    exp.Returning: "RETURNING is PostgreSQL's; select the rows in a statement of their own",
    exp.Lock: "row locks (FOR UPDATE, FOR SHARE) are PostgreSQL's; Redshift has LOCK",
    exp.Filter: "FILTER on an aggregate is PostgreSQL's; use CASE inside the aggregate",
    exp.Lateral: "LATERAL is PostgreSQL's",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM is PostgreSQL's (page c_unsupported-postgresql-functions); compare and test for NULL",
    exp.NullSafeNEQ: "IS DISTINCT FROM is PostgreSQL's (page c_unsupported-postgresql-functions); compare and test for NULL",
    exp.TableSample: "TABLESAMPLE is PostgreSQL's",
    exp.Array: "array constructors are PostgreSQL's",
    exp.JSONExtract: "JSON operators are PostgreSQL's",
    exp.JSONExtractScalar: "JSON operators are PostgreSQL's",
    exp.ArrayContainsAll: "array operators are PostgreSQL's",
    exp.RegexpILike: "~* is PostgreSQL's; Redshift has ~ and !~ (page pattern-matching-conditions-posix)",
    exp.MatchAgainst: "@@ is PostgreSQL's text search",
    exp.Fetch: "FETCH is PostgreSQL's; use LIMIT",
    exp.ArrayContainedBy: "array operators are PostgreSQL's",
    exp.ArrayOverlaps: "array operators are PostgreSQL's",
    exp.Slice: "subscripts are PostgreSQL's",
    exp.StartsWith: "^@ is PostgreSQL's; use LIKE",
    exp.Collate: "collations of a locale are PostgreSQL's",
    exp.Distance: "geometric operators are PostgreSQL's",
    exp.CurrentCatalog: "CURRENT_CATALOG is PostgreSQL's; use CURRENT_DATABASE()",
    exp.CurrentRole: "CURRENT_ROLE is PostgreSQL's; use CURRENT_USER",
}

# What Redshift may take and is not offered here.
OTHER_NODES: dict[type[exp.Expr], str] = {
    exp.TryCast: "TRY_CAST is not offered here; test the text with a regular expression in CASE first",
    exp.Unnest: "arrays in a SUPER are not offered here, and others are PostgreSQL's",
    exp.IgnoreNulls: "IGNORE NULLS is not offered here, as PostgreSQL lacks it",
    exp.Localtime: "LOCALTIME runs on the leader node only; use GETDATE()",
    exp.Localtimestamp: "LOCALTIMESTAMP runs on the leader node only; use GETDATE()",
    exp.CurrentTime: "CURRENT_TIME runs on the leader node only; use GETDATE()",
}
