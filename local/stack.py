"""The whole pipeline on this machine: source, warehouse, and AWS's part deployed from template.yaml.

    with Stack(Path(".local")) as stack:
        execution = stack.start_execution({}).wait()
        execution.status, execution.output

Everything it starts ends with it; what it holds (databases, objects) stays in its state folder for the next start.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from local import guard
from local.folder_lock import hold_lock
from local.processes import find_free_port
from local.standins.account import ACCOUNT, PARTITION, REGION
from local.standins.aws_lambda.execution_environment import Answer
from local.standins.aws_lambda.service import Functions, LambdaService
from local.standins.eventbridge.status_events import StatusEvents, read_rules
from local.standins.moto.aws import CREDENTIALS, LocalAws, restore_catalogue, save_catalogue
from local.standins.mysql import mariadb
from local.standins.redshift import workgroup
from local.standins.redshift.postgres import DATABASE
from local.standins.redshift.servers import RedshiftServers
from local.started_execution import StartedExecution
from local_redshift.testing import Warehouse
from rental_pipeline.model.contract import HASH, read_contract
from rental_pipeline.source.connection import SourceAddress

if TYPE_CHECKING:
    from local.standins.cloudformation.deploy import Deployment

ROOT = Path(__file__).parents[1]
STACK_NAME = "rental-pipeline"
# Two slices at once keep a small machine's processors busy without holding up its databases.
PARAMETERS = {
    "RedshiftWorkgroupName": workgroup.NAME,
    "RedshiftWorkgroupId": workgroup.ID,
    "RedshiftDatabase": DATABASE,
    "CopyRoleArn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/copy",
    "SliceConcurrency": "2",
}
DELIVERY_SECONDS = 120
# With the translator of templates, which takes a second to import.
_DEPLOYMENT = "local.standins.cloudformation.deploy"
_READER, _APPLICATION = "rental_pipeline", "application"


@dataclass(frozen=True)
class Source:
    """The source database, as its application reaches it.

    Attributes:
        host, port, database, user, password: Of a user that may write.
        secret_arn: The secret by which the pipeline reaches it, as a user that may only read.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    secret_arn: str

    def connect(self) -> pymysql.Connection:
        """Return a connection that may write: autocommit, session in UTC."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.database,
            charset="utf8mb4",
            autocommit=True,
            local_infile=True,
            init_command="set time_zone = '+00:00'",
            ssl_disabled=True,  # as in MariaDB.connect
        )


class Stack:
    """A deployed pipeline.

    Args:
        folder: State folder; created if new, continued otherwise.
        marketplace: A folder of sql/.
        parameters: Of the template, beside and instead of PARAMETERS.
        retry_pace: Factor on the waits before a Retry of the state machines.
        root: The checkout to deploy.
        log_calls: Note every AWS call that the functions and COPY make in the folder `call_logs`.
        existing: A database that exists, which is only read; None: a MariaDB of the state folder's own.
        functions: Runs the functions; by default as processes of this machine (aws_lambda.service), else a `sam_local.SamLocal`.
        initialize: Start the functions that a run invokes while the rest starts, not with their first invocations.
    """

    def __init__(
        self,
        folder: Path,
        marketplace: str = "apartments",
        *,
        parameters: dict[str, str] | None = None,
        retry_pace: float = 1.0,
        root: Path = ROOT,
        log_calls: bool = False,
        existing: SourceAddress | None = None,
        functions: Functions | None = None,
        initialize: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.marketplace = marketplace
        self.root = root
        self._parameters = {**PARAMETERS, "Marketplace": marketplace, **(parameters or {})}
        self._retry_pace = retry_pace
        self.call_logs = self.folder / "call_logs" if log_calls else None
        self._given_functions = functions
        self._initialize = initialize
        self._existing = existing
        self._closing = contextlib.ExitStack()
        self._messages: list[dict[str, str]] = []
        self._aws: LocalAws | None = None

    # ------------------------------------------------------------------------------------------------- start and stop

    def start(self) -> Stack:
        """Start everything and deploy.

        Raises:
            StackBusy: another process runs a stack on this folder.
            TemplateError, DidNotStart, MariaDBUnavailable: what the name says.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        if self.call_logs:
            self.call_logs.mkdir(exist_ok=True)
        self._closing.enter_context(hold_lock(self.folder))
        self._closing.enter_context(guard.guarded(self.folder))
        self.functions: Functions = self._given_functions or LambdaService(logs)
        self._aws_port = find_free_port()
        copy_log = self.call_logs / "copy.jsonl" if self.call_logs else None
        self.redshift = RedshiftServers(self.folder, f"http://127.0.0.1:{self._aws_port}", PARAMETERS["CopyRoleArn"], copy_log)
        self._closing.callback(self._stop_servers)
        with ThreadPoolExecutor() as starting:
            aws_server = starting.submit(self._start_aws)
            warehouse_server = starting.submit(self.redshift.start)
            source_server = None if self._existing else starting.submit(mariadb.start, self.folder / "mariadb")
            importlib.import_module(_DEPLOYMENT)  # as long as the servers take
            aws_server.result()
            self.source = self._open_source(source_server.result()) if source_server else self._name_existing()
            warehouse_server.result()
        self.warehouse = Warehouse(self.redshift.endpoint_url, self.redshift.postgres_uri)
        self.deployment = self._deploy()
        if self._initialize:
            self._initialize_functions()
        self.s3 = self.aws.client("s3")
        self.bucket = next(iter(self.deployment.buckets.values()))
        self._notifications = self._subscribe()
        self.aws.restore_bucket(self.bucket, self.objects_folder)
        restore_catalogue(self.aws.client("glue"), self._catalogue_file)
        self._closing.callback(self.save_objects)
        self._closing.callback(lambda: save_catalogue(self.aws.client("glue"), self._catalogue_file))
        self.events = StatusEvents(
            self.aws.client("stepfunctions"),
            list(self.deployment.state_machines.values()),
            read_rules(lambda: self.deployment.template.resources("AWS::Events::Rule")),
            self.functions,
        )
        self._closing.callback(self.events.stop)

    def stop(self) -> None:
        """Keep the bucket's objects as files, and end everything; do nothing where nothing runs."""
        self._closing.close()

    def __enter__(self) -> Stack:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    # ------------------------------------------------------------------------------------------------------------ use

    def start_execution(self, execution_input: Any = None, name: str | None = None) -> StartedExecution:
        """Start the state machine of a run.

        Args:
            execution_input: Anything JSON can hold; None gives no input at all, as the console's default.
            name: Of the execution; a random one by default.
        """
        given = {} if execution_input is None else {"input": json.dumps(execution_input)}
        answer = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.deployment.state_machines["RunStateMachine"], name=name or str(uuid.uuid4()), **given
        )
        return StartedExecution(self.aws.client("stepfunctions"), answer["executionArn"], self.wait_for_rules)

    def invoke(self, function: str, event: Any) -> Answer:
        """Invoke a function by its logical id (`PlanRunFunction`) and wait for its answer."""
        return self.functions.invoke(self.deployment.functions[function].name, event)

    def messages(self) -> list[dict[str, str]]:
        """Return what was published to the notification topic since the start: `Subject` and `Message` of each."""
        sqs = self.aws.client("sqs")
        while found := sqs.receive_message(QueueUrl=self._notifications, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                body = json.loads(message["Body"])
                self._messages.append({"Subject": body.get("Subject", ""), "Message": body["Message"]})
                sqs.delete_message(QueueUrl=self._notifications, ReceiptHandle=message["ReceiptHandle"])
        return list(self._messages)

    def save_objects(self) -> int:
        """Write new objects of the bucket into the state folder, `s3/<bucket>/<key>`; return how many."""
        return self.aws.save_bucket(self.bucket, self.objects_folder)

    def wait_for_rules(self, execution_arn: str) -> list[Answer]:
        """Return what the template's rules started at the end of an execution answered."""
        return self.events.wait_for_delivery(execution_arn, DELIVERY_SECONDS)

    # ---------------------------------------------------------------------------------------------- parts that may fail

    def set_source_ahead(self, by: timedelta) -> None:
        """Let the clock of the source that is this stack's own go ahead of this machine's, for connections from now on."""
        if server := mariadb.find_running(self.folder / "mariadb"):
            server.set_ahead(by)

    def stop_source(self) -> None:
        """Stop the source database, as if it were down."""
        mariadb.stop_left_behind(self.folder / "mariadb")

    def start_source(self) -> None:
        """Start the source database again, at the same address."""
        mariadb.start(self.folder / "mariadb", port=self.source.port)

    def stop_warehouse(self) -> None:
        """Stop the warehouse and its Data API, as if they were down; what ran there is rolled back."""
        self.redshift.fail()

    def start_warehouse(self) -> None:
        """Start the warehouse again, at the same address; the Data API has forgotten its statements."""
        self.redshift.start()

    # --------------------------------------------------------------------------------------------------------- pieces

    @property
    def aws(self) -> LocalAws:
        """The server of AWS's small services, which runs as long as the stack does."""
        assert self._aws
        return self._aws

    @property
    def _catalogue_file(self) -> Path:
        return self.folder / "catalogue.json"

    @property
    def objects_folder(self) -> Path:
        """Where the bucket's objects are between two starts, and after `save_objects`, each under its key."""
        return self.folder / "s3" / self.bucket

    def _start_aws(self) -> None:
        endpoints = {"AWS_ENDPOINT_URL_LAMBDA": self.functions.endpoint_url}
        self._aws = LocalAws(self.folder / "logs" / "aws.log", endpoints, self._retry_pace, self._aws_port)

    def _open_source(self, server: mariadb.MariaDB) -> Source:
        password, reader_password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        server.create_database(self.marketplace)
        server.create_application_user(_APPLICATION, password, self.marketplace)
        server.create_extraction_user(_READER, reader_password, self.marketplace)
        address = {"host": self.functions.reach(server.port), "port": server.port, "dbname": self.marketplace}
        secret = self.aws.client("secretsmanager").create_secret(
            Name=f"{STACK_NAME}-source",
            SecretString=json.dumps({**address, "username": _READER, "password": reader_password, "tls": "off"}),
        )
        return Source(server.host, server.port, self.marketplace, _APPLICATION, password, secret["ARN"])

    def _name_existing(self) -> Source:
        """Put the address of the database that exists into the secret by which the functions reach it."""
        given = self._existing
        assert given
        fields = {"host": given.host, "port": given.port, "dbname": given.database, "username": given.user, "tls": given.tls}
        fields |= {"tls_ca": given.tls_ca} if given.tls_ca else {}
        secret = self.aws.client("secretsmanager").create_secret(
            Name=f"{STACK_NAME}-source", SecretString=json.dumps({**fields, "password": given.password})
        )
        return Source(given.host, given.port, given.database, given.user, given.password or "", secret["ARN"])

    def _create_hash_secret(self) -> dict[str, str]:
        """Return the parameter that names the secret which keys the hash of personal columns, if the contract hashes any.

        The key stays in the state folder: with another one, every hash would change and the tables be read again.
        """
        contract = read_contract(self.root / "sql" / self.marketplace / "source.yaml")
        if not any(HASH in table.personal.values() for table in contract.values()):
            return {}
        path = self.folder / "hash_key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32))
        secret = self.aws.client("secretsmanager").create_secret(Name=f"{STACK_NAME}-hash", SecretString=path.read_text())
        return {"HashSecretArn": secret["ARN"]}

    def _deploy(self) -> Deployment:
        from local.standins.cloudformation.deploy import deploy
        from local.standins.cloudformation.template import read_template

        parameters = {"SourceSecretArn": self.source.secret_arn, **self._create_hash_secret(), **self._parameters}
        template = read_template(self.root / "template.yaml", STACK_NAME, parameters)
        environment = {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": f"http://{self.functions.reach(self.aws.port)}:{self.aws.port}",
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": f"http://{self.functions.reach(self.redshift.port)}:{self.redshift.port}",
        }
        return deploy(template, self.root, self.folder / "deployed", self.aws, self.functions, environment, self.call_logs)

    def _initialize_functions(self) -> None:
        from local.standins.cloudformation.deploy import find_invoked

        deployed = self.deployment
        slices = deployed.functions["ExtractSliceFunction"].name
        for name in find_invoked(deployed.template, self.root, "RunStateMachine"):
            self.functions.initialize(name, int(self._parameters["SliceConcurrency"]) if name == slices else 1)

    def _subscribe(self) -> str:
        """Let a queue of our own receive what the topic's subscribers would, and return its address."""
        sqs = self.aws.client("sqs")
        url: str = sqs.create_queue(QueueName="local-notifications")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for topic in self.deployment.topics.values():
            self.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url

    def _stop_servers(self) -> None:
        """End all of them together."""

        def stop_aws() -> None:
            if self._aws:
                self._aws.stop()

        def stop_source() -> None:
            mariadb.stop_left_behind(self.folder / "mariadb")

        with ThreadPoolExecutor() as stopping:
            list(stopping.map(lambda stop: stop(), (self.functions.stop, stop_aws, self.redshift.stop, stop_source)))
