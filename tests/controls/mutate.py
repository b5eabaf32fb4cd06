#!/usr/bin/env python3
"""Writes a copy of a source file in which texts are replaced: what a control compiles.

usage: mutate.py NAME SOURCE EDITS COPY

EDITS is a folder with 1.replace, 1.with, 2.replace ... Fails unless each text stands in SOURCE
exactly once: a control whose place has moved must not turn into the right program.
"""

import os
import sys


def mutate(name, text, edits):
    """`text` with each (old, new) of `edits` applied, each held against the text as it was."""
    places = []
    for old, new in edits:
        count = text.count(old)
        if count != 1:
            raise ValueError(f"control {name}: this text stands {count} times in its file, not once:"
                             f"\n{old}")
        start = text.index(old)
        places.append((start, start + len(old), new))
    places.sort()
    for (_, end, _), (start, _, _) in zip(places, places[1:]):
        if start < end:
            raise ValueError(f"control {name}: two of its texts overlap")
    for start, end, new in reversed(places):
        text = text[:start] + new + text[end:]
    return text


def read_edits(folder):
    """The pairs that the folder holds, in their order."""
    edits = []
    while os.path.exists(os.path.join(folder, f"{len(edits) + 1}.replace")):
        number = len(edits) + 1
        edits.append(tuple(_read(os.path.join(folder, f"{number}.{kind}"))
                           for kind in ("replace", "with")))
    return edits


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    name, source, folder, copy = sys.argv[1:]
    try:
        text = mutate(name, _read(source), read_edits(folder))
    except ValueError as error:
        sys.exit(f"{source}: {error}")
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
