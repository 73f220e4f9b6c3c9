"""`python drop_symbols.py FOLDER`: cut from every ELF library what no program reads that loads it, as `strip` would.

Wheels come with symbol tables for debuggers, an eighth of their size. `strip` knows only its own machine's processor, and breaks
libraries that auditwheel has patched (their dynamic section is not where strip expects it). Here nothing moves: what lies behind
the last byte that is loaded goes, and the section table, which `readelf` and the tests want, is written again in its place.
Layout: Tool Interface Standard, "Executable and Linking Format", here in its 64-bit, little-endian form.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NO_SECTION = bytes(_SECTION.size)
_LOADED, _NO_BITS = 1, 8  # PT_LOAD; SHT_NOBITS
_ELF64_LITTLE = b"\x7fELF\x02\x01"


def drop_symbols(content: bytes) -> bytes:
    """Return a library without the sections that are not loaded; content that is no such library comes back as it is."""
    if not content.startswith(_ELF64_LITTLE):
        return content
    header = list(_HEADER.unpack_from(content))
    segments_at, sections_at, segment_count, section_count, names_index = header[5], header[6], header[10], header[12], header[13]
    segments = [_SEGMENT.unpack_from(content, segments_at + i * _SEGMENT.size) for i in range(segment_count)]
    loaded_to = max(offset + size for kind, _, offset, _, _, size, *_ in segments if kind == _LOADED)
    if sections_at < loaded_to:  # a patched library: its tables are loaded, and stay
        return content
    sections = [list(_SECTION.unpack_from(content, sections_at + i * _SECTION.size)) for i in range(section_count)]
    _, _, _, _, names_offset, names_size, *_ = sections[names_index]
    kept = content[:loaded_to] + content[names_offset : names_offset + names_size]
    kept += bytes(-len(kept) % 8)
    table = b""
    for index, section in enumerate(sections):
        if index == names_index:
            section[4] = loaded_to
        elif section[1] != _NO_BITS and section[4] + section[5] > loaded_to:
            table += _NO_SECTION
            continue
        table += _SECTION.pack(*section)
    header[6] = len(kept)
    shorter = _HEADER.pack(*header) + kept[_HEADER.size :] + table
    return shorter if len(shorter) < len(content) else content


def main() -> None:
    """Rewrite the libraries of a folder in place."""
    for path in Path(sys.argv[1]).rglob("*.so*"):
        content = path.read_bytes()
        shorter = drop_symbols(content)
        if len(shorter) < len(content):
            path.write_bytes(shorter)


if __name__ == "__main__":
    main()
