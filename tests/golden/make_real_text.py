#!/usr/bin/env python3
"""Writes tests/golden/real_text/ids.jsonl: the ids of the texts beside it, as
Hugging Face's `tokenizers` gives them with both tokenizers of the repository.
The same versions (requirements.txt) write the same bytes.

Usage: make_real_text.py
"""
import json
import pathlib

from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/golden/real_text"
TOKENIZERS = ["tests/golden/tokenizer/pairs.json",
              "models/demo-chat/tokenizer.json"]


def main():
    texts = [path for path in sorted(FOLDER.iterdir())
             if path.name not in ("README.md", "ids.jsonl")]
    with (FOLDER / "ids.jsonl").open("w") as lines:
        for name in TOKENIZERS:
            tokenizer = Tokenizer.from_file(str(ROOT / name))
            for path in texts:
                # As bytes, so that no line's end is changed on the way.
                text = path.read_bytes().decode()
                row = {"tokenizer": name, "text": path.name,
                       "ids": tokenizer.encode(text).ids}
                lines.write(json.dumps(row, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
