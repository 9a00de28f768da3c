#!/usr/bin/env python3
"""Writes the message templates into a C table, so that the program needs no
files of its own to speak.

Usage: embed.py OUTPUT.c TEMPLATE.mustache…
"""
import pathlib
import sys


def literal(data):
    """The bytes as C string literals, one a line of the file."""
    lines = []
    for line in data.splitlines(keepends=True):
        text = "".join(
            chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}"
            for b in line)
        lines.append(f'\t\t\t"{text}"')
    return "\n".join(lines) or '\t\t\t""'


def main(output, *paths):
    entries = "".join(
        f'\t{{ "{pathlib.Path(p).stem}",\n'
        f"{literal(pathlib.Path(p).read_bytes())} }},\n"
        for p in sorted(paths))
    pathlib.Path(output).write_text(
        '#include "render/templates.h"\n\n'
        "const struct template_text templates_builtin[] = {\n"
        f"{entries}}};\n\n"
        "const size_t templates_builtin_count =\n"
        "\t\tsizeof(templates_builtin) / sizeof(templates_builtin[0]);\n")


main(*sys.argv[1:])
