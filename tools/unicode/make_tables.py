#!/usr/bin/env python3
"""Writes models/text/unicode_tables.inc: what a tokenizer must know of Unicode.

The tables must be those of Hugging Face's `tokenizers`, not the newest: a
tokenizer whose idea of a letter differs splits text differently. Letters,
numbers and spaces are the general categories of the Unicode version below;
normalisation is that version's, less the characters that the older tables
inside `tokenizers` do not know. Both are held against `tokenizers` itself,
code point by code point, before anything is written.

Needs tests/golden/requirements.txt. Usage: make_tables.py > unicode_tables.inc
"""
import sys

import unicodedata2 as ucd
from tokenizers import Regex, normalizers, pre_tokenizers

UNICODE_VERSION = "16.0.0"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xAC00 + 11172)
NFC = normalizers.NFC()


def matching(pattern):
    """The code points that `tokenizers` matches with a one-character pattern."""
    remove = pre_tokenizers.Split(Regex(pattern), "removed")
    found = set()
    for i in range(0, len(CODE_POINTS), 4096):
        block = CODE_POINTS[i : i + 4096]
        pieces = remove.pre_tokenize_str("".join(map(chr, block)))
        left = {ord(c) for piece, _ in pieces for c in piece}
        found.update(c for c in block if c not in left)
    return found


def category(first_letter):
    return {c for c in CODE_POINTS if ucd.category(chr(c))[0] == first_letter}


def spaces():
    """White_Space: separators and the controls that are spaces."""
    return category("Z") | {*range(0x09, 0x0E), 0x85}


def decomposition(c):
    """The canonical decomposition of a code point in one step, or ()."""
    text = ucd.decomposition(chr(c))
    if not text or text.startswith("<"):
        return ()
    return tuple(int(x, 16) for x in text.split())


def known_class(c):
    """Whether NFC of `tokenizers` moves c before a mark of the class 240."""
    text = "!\u0345" + chr(c)
    return c == 0x345 or NFC.normalize_str(text) != text


def ranges(rows):
    """[(code point, value)] as [(first, last, value)]."""
    out = []
    for c, value in sorted(rows):
        if out and out[-1][1] == c - 1 and out[-1][2] == value:
            out[-1][1] = c
        else:
            out.append([c, c, value])
    return out


def emit(kind, name, rows, form):
    print(f"constexpr {kind} {name}[] = {{")
    line = "   "
    for row in rows:
        cell = " " + form.format(*row) + ","
        if len(line) + len(cell) > 80:
            print(line)
            line = "   "
        line += cell
    print(line)
    print("};")


def main():
    assert ucd.unidata_version == UNICODE_VERSION, ucd.unidata_version
    classes = {"kLetters": (category("L"), r"\p{L}"),
               "kNumbers": (category("N"), r"\p{N}"),
               "kSpaces": (spaces(), r"\s")}
    for name, (own, pattern) in classes.items():
        assert own == matching(pattern), name

    marks = {c: ucd.combining(chr(c)) for c in CODE_POINTS}
    marks = {c: k for c, k in marks.items() if k}
    unknown = {c for c in marks if not known_class(c)}
    split, joined = {}, {}
    for c in CODE_POINTS:
        parts = decomposition(c)
        if not parts or c in HANGUL:
            continue
        text = "".join(map(chr, parts))
        composes = ucd.normalize("NFC", text) == chr(c)
        if composes and NFC.normalize_str(text) != chr(c):
            unknown.add(c)
        elif not composes and NFC.normalize_str(chr(c)) != ucd.normalize(
                "NFC", chr(c)):
            unknown.add(c)
        else:
            split[c] = parts
            if composes:
                joined[parts] = c
    marks = {c: k for c, k in marks.items() if c not in unknown}

    print("// Made by tools/unicode/make_tables.py; not edited by hand.")
    print(f"// Categories: Unicode {UNICODE_VERSION}. Normalisation: the same,")
    print(f"// less {len(unknown)} characters that `tokenizers` does not know,")
    print(f"// of which the first is U+{min(unknown):04X}.")
    for name, (own, _) in classes.items():
        emit("Range", name, [r[:2] for r in ranges((c, 0) for c in own)],
             "{{0x{:x}, 0x{:x}}}")
    emit("ClassRange", "kCombiningClasses", ranges(marks.items()),
         "{{0x{:x}, 0x{:x}, {}}}")
    emit("Split", "kDecompositions",
         [(c, p[0], p[1] if len(p) > 1 else 0)
          for c, p in sorted(split.items())], "{{0x{:x}, 0x{:x}, 0x{:x}}}")
    emit("Join", "kCompositions",
         [(a, b, c) for (a, b), c in sorted(joined.items())],
         "{{0x{:x}, 0x{:x}, 0x{:x}}}")
    print(f"{len(unknown)} not known to tokenizers: "
          f"{' '.join(f'{c:04X}' for c in sorted(unknown))}", file=sys.stderr)


if __name__ == "__main__":
    main()
