"""Settings are read once, and refused by the name of the variable."""

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.settings import BucketSettings, ExtractSettings, PlanSettings, WarehouseSettings, settings_from

PLAN = {"MARKETPLACE": "apartments", "BUCKET": "b", "SOURCE_SECRET_ARN": "s"}
WAREHOUSE = {"MARKETPLACE": "apartments", "BUCKET": "b", "REDSHIFT_DATABASE": "d", "COPY_ROLE_ARN": "r"}


@pytest.mark.parametrize("value", [None, "", "  "])
@pytest.mark.parametrize(
    ("kind", "required"), [(PlanSettings, PLAN), (ExtractSettings, PLAN), (BucketSettings, {"MARKETPLACE": "m", "BUCKET": "b"})]
)
def test_a_required_variable_that_is_unset_or_empty_is_named(kind: type, required: dict[str, str], value: str | None) -> None:
    """Each of them, whatever the others are."""
    settings_from(kind, required)
    for name in required:
        environment = {other: text for other, text in required.items() if other != name}
        if value is not None:
            environment[name] = value
        with pytest.raises(FixConfiguration, match=f"variable {name} is {'unset' if value is None else 'empty'}"):
            settings_from(kind, environment)


@pytest.mark.parametrize("text", ["many", "0", "-1", "1.5"])
def test_a_number_that_is_none_is_named(text: str) -> None:
    """Row budgets and seconds are whole and above zero."""
    with pytest.raises(FixConfiguration, match="SLICE_ROWS must be a whole number above zero"):
        settings_from(PlanSettings, {**PLAN, "SLICE_ROWS": text})
    assert settings_from(PlanSettings, {**PLAN, "SLICE_ROWS": " 12 "}).slice_rows == 12


def test_a_decoder_is_one_of_three() -> None:
    """The fast one by default."""
    assert settings_from(ExtractSettings, PLAN).decoder == "binary"
    with pytest.raises(FixConfiguration, match="DECODER must be one of binary, text, plain; found 'fast'"):
        settings_from(ExtractSettings, {**PLAN, "DECODER": "fast"})


@pytest.mark.parametrize("name", ["Apartments", "apart-ments", "a/b", "1st"])
def test_a_marketplace_is_a_folder_and_a_schema(name: str) -> None:
    """It stands in S3 keys and schema names."""
    with pytest.raises(FixConfiguration, match="MARKETPLACE"):
        settings_from(PlanSettings, {**PLAN, "MARKETPLACE": name})


def test_the_warehouse_is_a_workgroup_or_a_cluster() -> None:
    """Exactly one; the template sets the other one empty."""
    serverless = settings_from(WarehouseSettings, {**WAREHOUSE, "REDSHIFT_WORKGROUP": "w", "REDSHIFT_CLUSTER": ""})
    assert serverless.data_api_target() == {"Database": "d", "WorkgroupName": "w"}
    provisioned = settings_from(WarehouseSettings, {**WAREHOUSE, "REDSHIFT_CLUSTER": "c", "REDSHIFT_SECRET_ARN": "s"})
    assert provisioned.data_api_target() == {"Database": "d", "ClusterIdentifier": "c", "SecretArn": "s"}
    with pytest.raises(FixConfiguration, match="REDSHIFT_WORKGROUP and REDSHIFT_CLUSTER must be set; neither is"):
        settings_from(WarehouseSettings, WAREHOUSE)
    with pytest.raises(FixConfiguration, match="both are"):
        settings_from(WarehouseSettings, {**WAREHOUSE, "REDSHIFT_WORKGROUP": "w", "REDSHIFT_CLUSTER": "c"})


@pytest.mark.parametrize("code", ["eur", "EURO", "E1R", "€"])
def test_a_reporting_currency_is_an_iso_code(code: str) -> None:
    """It names rates and stands in the report; US dollars by default."""
    warehouse = {**WAREHOUSE, "REDSHIFT_WORKGROUP": "w"}
    assert settings_from(WarehouseSettings, warehouse).reporting_currency == "USD"
    assert settings_from(WarehouseSettings, {**warehouse, "REPORTING_CURRENCY": "EUR"}).reporting_currency == "EUR"
    with pytest.raises(FixConfiguration, match="REPORTING_CURRENCY must be three capitals"):
        settings_from(WarehouseSettings, {**warehouse, "REPORTING_CURRENCY": code})
