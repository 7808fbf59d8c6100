#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/safetensors/: small files of the format, whole and
with one fault each, for the fuzzer to start from."""
import json
import pathlib
import struct

OUT = pathlib.Path(__file__).parent / "corpus" / "safetensors"


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def file(header, data=b"", length=None):
    text = header if isinstance(header, str) else json.dumps(header)
    raw = text.encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def main():
    one = {"w": entry("F32", [2], 0, 8)}
    two = {"__metadata__": {"format": "pt"}, "a": entry("BF16", [2, 3], 0, 12),
           "b": entry("F16", [4], 12, 20)}
    cases = {
        "ok_none": file({}), "ok_one": file(one, b"\0" * 8),
        "ok_two": file(two, b"\1" * 20),
        "ok_scalar": file({"s": entry("I64", [], 0, 8)}, b"\2" * 8),
        "ok_empty": file({"e": entry("U8", [0, 5], 0, 0),
                          "w": entry("BOOL", [1], 0, 1)}, b"\1"),
        "ok_padded": file(json.dumps(one) + "    ", b"\0" * 8),
        "ok_f8": file({"q": entry("F8_E4M3", [3], 0, 3)}, b"abc"),
        "bad_nothing": b"", "bad_short_prefix": b"\2\0\0",
        "bad_huge_length": file(one, b"\0" * 8, 2**64 - 1),
        "bad_long_length": file(one, b"\0" * 8, 100_000_001),
        "bad_length": file(one, b"\0" * 8, 200),
        "bad_cut_data": file(one, b"\0" * 7),
        "bad_more_data": file(one, b"\0" * 9),
        "bad_json": file('{"w":'), "bad_tail": file("{}x"),
        "bad_array": file("[]"), "bad_space": file(" {}"),
        "bad_overlap": file({"a": entry("U8", [4], 0, 4),
                             "b": entry("U8", [4], 2, 6)}, b"123456"),
        "bad_gap": file({"a": entry("U8", [2], 0, 2),
                         "b": entry("U8", [2], 4, 6)}, b"123456"),
        "bad_reversed": file({"a": entry("U8", [2], 2, 0)}, b"12"),
        "bad_dtype": file({"a": entry("F4", [2], 0, 1)}, b"1"),
        "bad_size": file({"a": entry("F32", [2], 0, 4)}, b"1234"),
        "bad_overflow": file({"a": entry("F32", [2**31, 2**32], 0, 0)}),
        "bad_big_dim": file({"a": entry("U8", [2**63], 0, 0)}),
        "bad_rank": file({"a": entry("U8", [1] * 9, 0, 1)}, b"1"),
        "bad_offsets": file({"a": entry("U8", [1], 2**64 - 2, 2**64 - 1)}),
        "bad_twice": file('{"a":%s,"a":%s}' % ((json.dumps(
            entry("U8", [0], 0, 0)),) * 2)),
        "bad_metadata": file({"__metadata__": {"n": 1}}),
        "bad_negative": file({"a": entry("U8", [-1], 0, 1)}, b"1"),
        "bad_fraction": file({"a": entry("U8", [1.5], 0, 1)}, b"1"),
        "bad_field": file({"a": {"dtype": "U8", "more": 1}}),
        "bad_missing": file({"a": {"dtype": "U8", "shape": [1]}}, b"1"),
        "bad_nested": file('{"a":{"shape":' + "[" * 50),
        "bad_name": file({"n" * 1025: entry("U8", [0], 0, 0)}),
        "bad_utf8": struct.pack("<Q", 6) + b'{"\xff":1',
    }
    OUT.mkdir(parents=True, exist_ok=True)
    for name, raw in cases.items():
        (OUT / name).write_bytes(raw)


if __name__ == "__main__":
    main()
