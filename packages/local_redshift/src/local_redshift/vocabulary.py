"""What Redshift's SQL has, and what it has not though PostgreSQL does."""

from __future__ import annotations

from sqlglot import exp

_T = exp.DType

# Page c_Supported_data_types, without SUPER, VARBYTE, GEOMETRY, GEOGRAPHY, HLLSKETCH and intervals, which are not offered here.
TYPES = frozenset(
    {_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, _T.FLOAT, _T.DOUBLE, _T.BOOLEAN}
    | {_T.CHAR, _T.NCHAR, _T.BPCHAR, _T.VARCHAR, _T.NVARCHAR, _T.TEXT}
    | {_T.DATE, _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIME, _T.TIMETZ}
)

# Types of Redshift that are not offered here (same page).
OTHER_TYPES = frozenset({_T.SUPER, _T.VARBINARY, _T.GEOMETRY, _T.GEOGRAPHY, _T.HLLSKETCH, _T.INTERVAL})

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

# Functions of Redshift that are here: PostgreSQL's own where they agree, functions.sql's, or rewritten by expressions.py.
FUNCTIONS = frozenset(
    """
    abs acos add_months any_value ascii asin atan atan2 avg bit_and bit_or bool_and bool_or btrim ceil ceiling
    char_length character_length charindex chr coalesce concat convert_timezone cos cot count cume_dist current_database
    current_schema current_schemas current_setting date_add date_diff date_part date_trunc dateadd datediff degrees
    dense_rank exp first_value floor getdate greatest has_database_privilege has_schema_privilege
    has_table_privilege initcap lag last_day last_value
    lead least left len length listagg ln lower lpad ltrim max md5 median min mod months_between next_day
    nth_value ntile nullif nvl nvl2 octet_length percent_rank percentile_cont percentile_disc pg_backend_pid pgdate_part
    pi position power quote_ident quote_literal radians random rank regexp_count regexp_instr regexp_replace
    regexp_substr repeat replace replicate reverse right round row_number rpad rtrim sign sin split_part sqrt stddev
    stddev_pop stddev_samp  strpos strtol substr substring sum sysdate tan textlen to_char to_date to_number
    to_timestamp translate trim trunc upper var_pop var_samp variance version
    """.split()  # noqa: SIM905 - a list of words reads better than a list of quoted words
)

# Page c_SQL_functions_leader_node_only.
LEADER_FUNCTIONS = frozenset(
    ("current_schema", "current_schemas", "has_database_privilege", "has_schema_privilege", "has_table_privilege", "version")
)

POSTGRES_FUNCTIONS = {
    "string_agg": "it is PostgreSQL's; Redshift has LISTAGG",
    "array_agg": "it is PostgreSQL's; Redshift has LISTAGG",
    "nextval": "Redshift has no sequences; use IDENTITY columns",
}

# Functions of Redshift that are not offered here, and why.
OTHER_FUNCTIONS = {
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
    exp.Unnest: "UNNEST of arrays is PostgreSQL's",
    exp.RegexpILike: "~* is PostgreSQL's; Redshift has ~ and !~ (page pattern-matching-conditions-posix)",
    exp.MatchAgainst: "@@ is PostgreSQL's text search",
    exp.Fetch: "FETCH is PostgreSQL's; use LIMIT",
}

# What Redshift may take and is not offered here.
OTHER_NODES: dict[type[exp.Expr], str] = {
    exp.TryCast: "TRY_CAST is not offered here; test the text with a regular expression in CASE first",
    exp.IgnoreNulls: "IGNORE NULLS is not offered here, as PostgreSQL lacks it",
    exp.Localtime: "LOCALTIME runs on the leader node only; use GETDATE()",
    exp.Localtimestamp: "LOCALTIMESTAMP runs on the leader node only; use GETDATE()",
    exp.CurrentTime: "CURRENT_TIME runs on the leader node only; use GETDATE()",
}
