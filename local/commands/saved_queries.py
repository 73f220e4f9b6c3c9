"""The saved queries in template.yaml, made of sql/*/lake by `make saved-queries`; a test holds the two together.

CloudFormation reads no files, and a saved query is to be a resource of the stack (docs/decisions/0007-saved-queries.md).
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"


def read_queries(root: Path = ROOT) -> dict[str, dict[str, SqlFile]]:
    """Return the files of every folder `sql/<marketplace>/lake`, by marketplace and name."""
    folders = sorted(path.parent for path in (root / "sql").glob("*/source.yaml"))
    return {folder.name: files for folder in folders if (files := read_sql_folder(folder / "lake"))}


def write_queries(template: str, queries: dict[str, dict[str, SqlFile]]) -> str:
    """Return the template's text with its generated parts made again."""
    conditions = "".join(f"  {_condition(name)}: !Equals [!Ref Marketplace, {name}]\n" for name in queries)
    resources = "\n".join(_resource(name, file) for name, files in queries.items() for file in files.values())
    return _replace(_replace(template, "marketplaces", conditions), "saved queries", resources)


def _replace(template: str, part: str, content: str) -> str:
    begin, end = (re.search(rf"^  # {word} {part}.*\n", template, re.MULTILINE) for word in ("BEGIN", "END"))
    if begin is None or end is None:
        raise ValueError(f"the template has no lines `# BEGIN {part}` and `# END {part}`")
    return template[: begin.end()] + content + template[end.start() :]


def name_resource(marketplace: str, query: str) -> str:
    """Return the logical name of a query's resource in the template."""
    return f"{_camel(marketplace)}{_camel(query)}Query"


def _resource(marketplace: str, file: SqlFile) -> str:
    return (
        f"  {name_resource(marketplace, file.name)}:\n"
        "    Type: AWS::Athena::NamedQuery\n"
        f"    Condition: {_condition(marketplace)}\n"
        "    Properties:\n"
        f'      Name: !Sub "${{AWS::StackName}}: {file.name.replace("_", " ")}"\n'
        f'      Description: "{file.header["question"]}"\n'
        "      Database: !Ref LakeDatabase\n"
        "      WorkGroup: !Ref LakeWorkGroup\n"
        "      QueryString: |\n" + textwrap.indent(file.section("query"), " " * 8) + "\n"
    )


def _condition(marketplace: str) -> str:
    return f"Is{_camel(marketplace)}"


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


if __name__ == "__main__":
    TEMPLATE.write_text(write_queries(TEMPLATE.read_text(encoding="utf-8"), read_queries()), encoding="utf-8")
