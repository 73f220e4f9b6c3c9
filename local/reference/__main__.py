"""`python -m local.reference`: write the pages of docs/reference that are made of the code."""

from __future__ import annotations

from local.reference.pages import list_pages

if __name__ == "__main__":
    for path, write_page in list_pages().items():
        path.write_text(write_page(), encoding="utf-8")
