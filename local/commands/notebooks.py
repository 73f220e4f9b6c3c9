"""`make notebooks`: the notebooks of a marketplace, executed over the warehouse of the last run and written as pages to read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from local.stack import PARAMETERS, ROOT
from local.standins.account import REGION
from local.standins.moto.aws import CREDENTIALS
from local.standins.redshift.postgres import DATABASE, Postgres
from local_redshift.server import DataApiServer

FOLDER = ROOT / "notebooks"
_CELL_SECONDS = 600
_START_SECONDS = 180


def find_notebooks(marketplace: str) -> list[Path]:
    """Return the notebooks that read the marketplace's metrics, by name."""
    return [path for path in sorted(FOLDER.glob("*.ipynb")) if f"{marketplace}_presentation." in path.read_text(encoding="utf-8")]


@contextmanager
def serve_warehouse(postgres: Postgres) -> Iterator[dict[str, str]]:
    """Serve the Data API of a running warehouse; gives the environment in which a notebook finds it, and no real account."""
    with DataApiServer(postgres.uri, s3_endpoint_url=None) as server:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": server.endpoint_url,
            "REDSHIFT_WORKGROUP": PARAMETERS["RedshiftWorkgroupName"],
            "REDSHIFT_DATABASE": DATABASE,
        }


def execute(notebook: nbformat.NotebookNode, environment: Mapping[str, str]) -> nbformat.NotebookNode:
    """Execute all cells in a process of its own, and return the notebook with what they put out.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has the cell and the error.
    """
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        startup_timeout=_START_SECONDS,
        resources={"metadata": {"path": str(FOLDER)}},
        extra_arguments=["--log-level=ERROR"],  # without its advice on transports
    )
    return client.execute(env=dict(environment))


def write_pages(marketplace: str, folder: Path, environment: Mapping[str, str]) -> list[Path]:
    """Execute a marketplace's notebooks and return the HTML pages made of them: text and plots, without the code.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exporter = HTMLExporter(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True)
    pages = []
    for path in find_notebooks(marketplace):
        executed = execute(nbformat.read(path, nbformat.NO_CONVERT), environment)
        page, _ = exporter.from_notebook_node(executed, {"metadata": {"name": path.stem}})
        pages.append(folder / f"{path.stem}.html")
        pages[-1].write_text(page, encoding="utf-8")
    return pages


def open_jupyter(environment: Mapping[str, str]) -> int:
    """Open the notebooks in JupyterLab until it is ended; return its exit code."""
    return subprocess.run([sys.executable, "-m", "jupyterlab", FOLDER], check=False, env=dict(environment)).returncode
