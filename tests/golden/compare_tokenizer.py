#!/usr/bin/env python3
"""Compares our tokenizer with Hugging Face's `tokenizers` on fuzzed text: ids,
pieces and decoded ids, and every code point there is.

Usage: compare_tokenizer.py PROGRAM [--cases N] [--seed S]
PROGRAM is <build>/tests/tokenize_lines. Exit status 1: they differ somewhere.
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import tempfile

from tokenizers import Tokenizer

import fuzz_text
from make_tokenizer import ADDED, OUT

# Around each code point: what may join it, move it or be cut from it.
FRAMES = ["{0}", "a{0}b", " {0} 1", "'{0}", "\u00e9\u0345{0}\u0323{0}", "1{0}\n"]


def every_code_point():
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for i in range(0, len(points), 64):
        block = points[i : i + 64]
        for frame in FRAMES:
            yield "|".join(frame.format(c) for c in block)


def random_ids(seed, count, size):
    rng = random.Random(seed)
    for _ in range(count):
        high = rng.choice([260, size])
        yield [rng.randrange(high) for _ in range(rng.randint(1, 16))]


def answers(program, folder, requests):
    with tempfile.NamedTemporaryFile("w+") as lines:
        for request in requests:
            lines.write(json.dumps(request) + "\n")
        lines.flush()
        lines.seek(0)
        done = subprocess.run([program, folder], stdin=lines, check=True,
                              stdout=subprocess.PIPE, encoding="utf-8")
    return map(json.loads, done.stdout.split("\n")[:-1])


def expected(tokenizer, request):
    if "text" in request:
        text = request["text"]
        normal = tokenizer.normalizer.normalize_str(text)
        split = tokenizer.pre_tokenizer[0].pre_tokenize_str(normal)
        return {"ids": tokenizer.encode(text).ids,
                "pieces": [piece for piece, _ in split]}
    ids = request["ids"]
    return {"keep": tokenizer.decode(ids, skip_special_tokens=False),
            "skip": tokenizer.decode(ids, skip_special_tokens=True)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    tokenizer = Tokenizer.from_file(str(OUT / "pairs.json"))
    groups = {
        "fuzzed texts": [{"text": t} for t in fuzz_text.texts(
            args.seed, args.cases, 20, ADDED)],
        "texts of every code point": [{"text": t} for t in every_code_point()],
        "lists of ids": [{"ids": i} for i in random_ids(
            args.seed, args.cases, tokenizer.get_vocab_size())],
    }
    truth = {name: [expected(tokenizer, request) for request in requests]
             for name, requests in groups.items()}
    differ = 0
    for form in ("pairs", "strings"):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(OUT / f"{form}.json", pathlib.Path(folder) /
                        "tokenizer.json")
            for name, requests in groups.items():
                wrong = 0
                for request, theirs, ours in zip(
                        requests, truth[name],
                        answers(args.program, folder, requests), strict=True):
                    if ours != theirs:
                        wrong += 1
                        if wrong <= 5:
                            print(json.dumps({"request": request, "ours": ours,
                                              "theirs": theirs}))
                print(f"{form}: {len(requests)} {name}: {wrong} differ")
                differ += wrong
    raise SystemExit(1 if differ else 0)


if __name__ == "__main__":
    main()
