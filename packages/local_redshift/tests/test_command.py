"""`python -m local_redshift`: the server as a command."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import local_redshift
from local_redshift.testing import TARGET, Warehouse

COMMAND = [sys.executable, "-m", "local_redshift"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(local_redshift.__file__).parents[1])}


def test_the_service_is_a_command(postgres_uri):
    """It prints where it listens, answers, and ends on SIGTERM."""
    command = [*COMMAND, "serve", "--postgres-uri", postgres_uri, "--s3-endpoint-url", "http://127.0.0.1:9"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        client = Warehouse(process.stdout.readline().strip(), postgres_uri).client()
        assert client.execute_statement(Sql="select 1", WaitTimeSeconds=10, **TARGET)["Status"] == "FINISHED"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_the_command_explains_itself():
    """`--help` names its options."""
    answer = subprocess.run([*COMMAND, "serve", "--help"], check=True, capture_output=True, text=True, env=ENVIRONMENT)
    assert "--postgres-uri" in answer.stdout and "--s3-endpoint-url" in answer.stdout
