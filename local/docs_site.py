"""What MkDocs asks of docs/ beside its pages, which are written as GitHub reads them.

Links that leave docs/ lead into the repository, where the site knows it; lists look alike in both.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_config(config: Any) -> Any:
    """List the decisions, and take the repository's address from GitHub Actions; elsewhere there is none."""
    (explanation,) = (section["Explanation"] for section in config.nav if "Explanation" in section)
    (decisions,) = (entry for entry in explanation if "Decisions" in entry)
    decisions["Decisions"] = [
        path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs/decisions").glob("*.md"))
    ]
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        config.repo_url = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}"
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Return a page as Python-Markdown wants it."""
    return rewrite_links(widen_lists(markdown), (ROOT / "docs" / page.file.src_uri).parent, config.repo_url)


def widen_lists(markdown: str) -> str:
    """Return Markdown whose lists begin after a blank line, and whose numbered items are indented by four, not three, blanks."""
    lines: list[str] = []
    is_code, is_numbered = False, False
    for line in markdown.splitlines():
        if line.startswith("```"):
            is_code = not is_code
        if not is_code and re.match(r"[-*] |\d+\. ", line):
            if lines and lines[-1] and not re.match(r"[-*] |\d+\. | ", lines[-1]):
                lines.append("")
            is_numbered = line[0].isdigit()
        elif not is_code and line and not line.startswith(" "):
            is_numbered = False
        lines.append(f" {line}" if is_numbered and line.startswith("   ") else line)
    return "\n".join(lines) + "\n"


def rewrite_links(markdown: str, folder: Path, repository: str | None) -> str:
    """Return Markdown of a page in a folder, with what it links to outside of docs/ (and the folders in it) rewritten."""

    def rewrite(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path = (folder / target.partition("#")[0]).resolve()
        if path.is_relative_to(ROOT / "docs") and not path.is_dir():
            return match[0]
        return f"[{text}]({repository}/blob/HEAD/{path.relative_to(ROOT).as_posix()})" if repository else text

    return _LINK.sub(rewrite, markdown)
