"""Real servers for the tests, each started at its first use and stopped at the end (see tests/fixtures)."""

pytest_plugins = [
    "tests.fixtures.mariadb",
    "tests.fixtures.warehouse",
    "tests.fixtures.aws",
    "tests.fixtures.pipeline",
    "tests.fixtures.contract",
    "tests.fixtures.market",
]
