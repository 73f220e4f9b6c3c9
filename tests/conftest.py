"""Real servers for the tests, each started at its first use and stopped at the end (see tests/fixtures)."""

import os
import sys

import pygal
import pytest

# Pygal registers a finder of its maps that Python asks no more, and over which pytest stumbles in some orders of files.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

pytest_plugins = [
    "tests.fixtures.mariadb",
    "tests.fixtures.warehouse",
    "tests.fixtures.aws",
    "tests.fixtures.few_metrics",
    "tests.fixtures.pipeline",
    "tests.fixtures.contract",
    "tests.fixtures.market",
    "tests.fixtures.snapshot",
    "tests.fixtures.order",
]


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers, and the stacks that they start, share what the local Redshift translated."""
    if config.pluginmanager.hasplugin("cacheprovider"):
        os.environ.setdefault("LOCAL_REDSHIFT_CACHE", str(config.cache.mkdir("translations")))
