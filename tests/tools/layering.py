#!/usr/bin/env python3
"""Checks that folders include only what the layering allows.

Usage: layering.py SOURCE_ROOT
"""
import pathlib
import re
import sys

# folder -> what it may include besides itself and libc.  Keep it acyclic: a
# folder may name only folders above it in this table.
LAYERS = {
    # pure: no clock, no I/O
    "base": ["<openssl/"],
    "core": ["base"],
    "codec": ["core", "base", "<cjson/", "<pcre2.h>", "<cmark-gfm"],
    "commands": ["core", "codec", "base"],
    "render": ["codec", "core", "base", "<cjson/"],
    # shell: siblings never include each other, they meet in app
    "sys": ["base"],
    "loop": ["sys", "base", "<curl/", "<uv.h>"],
    "journal": ["core", "codec", "sys", "base", "<sqlite3.h>"],
    "mattermost": ["loop", "codec", "core", "sys", "base",
                   "<libwebsockets.h>"],
    "exec": ["loop", "codec", "core", "sys", "base"],
    # wiring
    "app": ["commands", "render", "journal", "mattermost", "exec", "loop", "sys", "codec", "core", "base"],
    "cli": ["app", "commands", "render", "journal", "mattermost", "exec",
            "loop", "sys", "codec", "core", "base"],
}
THIRD_PARTY = re.compile(r"<(cjson/|pcre2|curl/|libwebsockets|sqlite3|uv\.h|cmark-gfm|openssl/)")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])', re.M)


def folder_of(path):
    return "commands" if path.parts[0] == "commands" else path.parts[1]


def allowed(folder, include):
    if include.startswith('"'):
        target = include.strip('"').split("/")[0]
        return target == folder or target in LAYERS[folder]
    if THIRD_PARTY.match(include):
        return any(include.startswith(p) for p in LAYERS[folder] if p[0] == "<")
    return True


def main(root):
    broken = 0
    seen = []
    for folder, uses in LAYERS.items():
        broken += any(u[0] != "<" and u not in seen for u in uses)
        seen.append(folder)
    sources = [p for d in ("bot", "commands") for p in (root / d).rglob("*.[ch]")]
    for path in sources:
        relative = path.relative_to(root)
        if relative.parts[0] == "bot" and len(relative.parts) == 2:
            continue  # main.c wires everything
        folder = folder_of(relative)
        for include in INCLUDE.findall(path.read_text()):
            if folder not in LAYERS or not allowed(folder, include):
                print(f"{relative}: {folder} must not include {include}")
                broken += 1
    return 1 if broken else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
