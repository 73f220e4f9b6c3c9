"""What MkDocs asks of docs/ beside its pages: links that leave docs/ lead to the repository, where the site knows it."""

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
    """Return a page whose links to files outside of docs/ lead into the repository, or are no links."""
    return rewrite_links(markdown, (ROOT / "docs" / page.file.src_uri).parent, config.repo_url)


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
