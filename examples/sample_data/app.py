"""Fill the demonstration's source with the market of `make run`, and let the pipeline's user log in by IAM."""

import json
import os
import ssl
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import boto3
import pymysql

OPT = Path(os.environ.get("OPT", "/opt"))
# `make demo` fetches it: the authorities of RDS in the stack's region.
BUNDLE = Path(__file__).with_name("rds-bundle.pem")
USER = "rental_pipeline"


def lambda_handler(event, context):
    """Take `{"scale": 1, "seed": 1}` (1 is some 400 listings, as of `make run`); return the rows of each table."""
    secrets = boto3.client("secretsmanager")
    administrator = read(secrets, os.environ["ADMINISTRATOR_SECRET_ARN"])
    address = read(secrets, os.environ["SOURCE_SECRET_ARN"])
    bundle = BUNDLE.read_text(encoding="ascii")
    connection = pymysql.connect(
        host=address["host"],
        port=address["port"],
        user=administrator["username"],
        password=administrator["password"],
        database=address["dbname"],
        ssl=ssl.create_default_context(cadata=bundle),
        charset="utf8mb4",
        autocommit=True,
        init_command="set time_zone = '+00:00'",
    )
    with closing(connection):
        rows = fill_source(connection, event.get("scale", 1.0), event.get("seed", 1))
        make_user(connection, address["dbname"], "identified with AWSAuthenticationPlugin as 'RDS'")
    secrets.put_secret_value(SecretId=os.environ["SOURCE_SECRET_ARN"], SecretString=json.dumps({**address, "tls_ca": bundle}))
    return rows


def read(secrets, arn):
    """Return the fields of a secret."""
    return json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])


def fill_source(connection, scale, seed):
    """Create and fill the tables; return the rows of each, or what is there already."""
    generator, market, schema = import_market()
    tables = schema.create_sample_schema(connection, "apartments")
    try:
        return market.found_market(connection, "apartments", scale, seed, datetime.now(UTC).date(), progress=print)
    except generator.SourceNotEmpty:
        with connection.cursor() as cursor:
            return {table: cursor.execute(f"select 1 from {table}") for table in tables}


def make_user(connection, database, identified):
    """Make the pipeline's user, which may only read."""
    with connection.cursor() as cursor:
        cursor.execute(f"create user if not exists {USER} {identified}")
        cursor.execute(f"grant select on `{database}`.* to {USER}")
        cursor.execute(f"grant process on *.* to {USER}")


def import_market():
    """Return the project's generators and its schema reader, which stand under other names where layers put them."""
    if "local" not in sys.modules:
        package = ModuleType("local")
        package.__path__ = [str(OPT)]
        sys.modules["local"] = package
    from local.marketplace import generator, market, schema

    schema.SQL_ROOT = OPT
    return generator, market, schema
