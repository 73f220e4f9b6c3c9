"""Results: which field holds which type, what the columns are called, how much fits."""

import pytest

from local_redshift.testing import TARGET, StatementFailed


@pytest.mark.parametrize(
    ("expression", "field", "type_name"),
    [
        ("1::smallint", {"longValue": 1}, "int2"),
        ("1", {"longValue": 1}, "int4"),
        ("9223372036854775807", {"longValue": 9223372036854775807}, "int8"),
        ("count(*)", {"longValue": 1}, "int8"),
        ("0.5::float", {"doubleValue": 0.5}, "float8"),
        ("0.5::real", {"doubleValue": 0.5}, "float4"),
        ("true", {"booleanValue": True}, "bool"),
        ("12.50::decimal(10,2)", {"stringValue": "12.50"}, "numeric"),
        ("'é'::varchar(5)", {"stringValue": "é"}, "varchar"),
        ("'a'::char(3)", {"stringValue": "a  "}, "bpchar"),
        ("''", {"stringValue": ""}, "varchar"),
        ("date '2026-02-28'", {"stringValue": "2026-02-28"}, "date"),
        ("timestamp '2026-02-28 10:00:00'", {"stringValue": "2026-02-28 10:00:00"}, "timestamp"),
        ("timestamp '2026-02-28 10:00:00.120000'", {"stringValue": "2026-02-28 10:00:00.12"}, "timestamp"),
        ("null::int", {"isNull": True}, "int4"),
    ],
)
def test_a_value_comes_in_the_field_of_its_type(warehouse, expression, field, type_name):
    """API reference, Field: numbers as long and double, booleans, everything else as text; ColumnMetadata: typeName."""
    client = warehouse.client()
    answer = client.get_statement_result(Id=warehouse.execute(f"select {expression} as value")["Id"])
    assert answer["Records"] == [[field]]
    assert (answer["ColumnMetadata"][0]["name"], answer["ColumnMetadata"][0]["typeName"]) == ("value", type_name)
    assert answer["TotalNumRows"] == 1


def test_sizes_of_columns_are_told(warehouse):
    """API reference, ColumnMetadata: precision, scale and length."""
    answer = warehouse.client().get_statement_result(
        Id=warehouse.execute("select 1.5::decimal(10,2) as d, 'x'::varchar(7) as v")["Id"]
    )
    decimal, text = answer["ColumnMetadata"]
    assert (decimal["precision"], decimal["scale"]) == (10, 2)
    assert text["length"] == 7


def test_a_large_result_comes_in_pages(fresh_warehouse):
    """API reference, GetStatementResult: NextToken until the last page."""
    fresh_warehouse.execute("create table t (v varchar(1000))")
    with fresh_warehouse.connect() as connection:
        connection.execute("insert into public.t select repeat('x', 996) || to_char(n, 'FM0000') from generate_series(1, 2500) n")
    client = fresh_warehouse.client()
    statement_id = fresh_warehouse.execute("select v from t order by v")["Id"]
    pages = list(client.get_paginator("get_statement_result").paginate(Id=statement_id))
    assert [page["TotalNumRows"] for page in pages] == [2500, 2500, 2500]
    texts = [record[0]["stringValue"][-4:] for page in pages for record in page["Records"]]
    assert texts == [f"{number:04}" for number in range(1, 2501)]


def test_a_row_over_64_kb_and_a_result_over_its_limit_are_refused(warehouse, monkeypatch):
    """Data API guide, "Considerations": rows up to 64 KB, results up to 500 MB."""
    assert len(warehouse.query("select repeat('x', 65536)")[0][0]) == 65536
    with pytest.raises(StatementFailed, match="64 KB"):
        warehouse.query("select repeat('x', 65530), '1234567'")
    monkeypatch.setattr("local_redshift.results.MAX_RESULT_BYTES", 10)
    with pytest.raises(StatementFailed, match="500 MB"):
        warehouse.query("select 'abcdef' union all select 'ghijkl'")


def test_a_statement_without_a_result_has_none(fresh_warehouse):
    """API reference, HasResultSet: false for what returns no rows; ResultRows counts changed rows."""
    description = fresh_warehouse.execute("create table t as select 1 as a")
    assert description["HasResultSet"] is False
    assert fresh_warehouse.execute("insert into t select a from t union all select a from t")["ResultRows"] == 2
    client = fresh_warehouse.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_statement_result(Id=description["Id"])


def test_an_unknown_page_is_refused(warehouse):
    """API reference: NextToken comes from a previous answer."""
    client = warehouse.client()
    with pytest.raises(client.exceptions.ValidationException):
        client.get_statement_result(Id=warehouse.execute("select 1")["Id"], NextToken="9")


def test_waiting_for_a_result(warehouse):
    """API reference, GetStatementResult: WaitTimeSeconds."""
    client = warehouse.client()
    statement_id = client.execute_statement(Sql="select 1 as one", **TARGET)["Id"]
    assert client.get_statement_result(Id=statement_id, WaitTimeSeconds=10)["Records"] == [[{"longValue": 1}]]
