"""Seeded text that hurts tokenizers: every script's edges, spaces of all
kinds, marks out of order, contractions, pieces of added tokens."""
import random

SPACES = [chr(c) for c in (
    0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x20, 0x20, 0x85, 0xA0, 0x1680, 0x2000,
    0x2007, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)]
NEAR_SPACES = [chr(c) for c in (0x00, 0x1C, 0x1F, 0x180E, 0x200B, 0xFEFF, 0x2060)]
CONTRACTIONS = ["'s", "'S", "'\u017f", "'t", "'T", "'re", "'RE", "'rE", "'ve",
                "'Ve", "'m", "'M", "'ll", "'LL", "'lL", "'l", "'r", "'v", "'d",
                "'D", "'x", "\u2019s", "''s", "'", "'st", "'\ufb06"]
MARKS = [chr(c) for c in (
    *range(0x300, 0x370), 0x5B0, 0x5BC, 0x5C1, 0x64B, 0x651, 0x93C, 0x94D,
    0x1D165, 0x1D16D, 0x302A, 0x3099, 0x309A, 0x0F71, 0x0F72, 0x0F74, 0x1DCE,
    0x20D0, 0x20DD, 0x0DCA, 0x0DCF, 0x0BBE, 0x11127, 0x07FD, 0x0898, 0x0C3C,
    0x1E2EC, 0x16FF0)]
BASES = ("aAeEiIoOuUnNcCsSzZwWyYkK"
         "\u00c5\u212b\u2126\u1e9b\u00e9\u0344\u0958\u0dd9\u0b92\u11131"
         "\u30ab\u304b\u1100\u1161\u11a8\u11a7\u11c2\uac00\uac01\ud7a3\ufb1d\ufb2a")
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF),
          (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF), (0xF00, 0xFFF),
          (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F),
          (0x2070, 0x218F), (0x2460, 0x24FF), (0x2F00, 0x30FF),
          (0x4E00, 0x4EFF), (0xAC00, 0xACFF), (0xF900, 0xFB4F),
          (0xFF00, 0xFFEF), (0x10D30, 0x10D8F), (0x11000, 0x118FF),
          (0x1D150, 0x1D1FF), (0x1D400, 0x1D7FF), (0x1F300, 0x1F6FF),
          (0x2F800, 0x2FA1F), (0xE000, 0xE0FF), (0xE0000, 0xE01FF),
          (0x10FFF0, 0x10FFFF)]
WORDS = ["the", "The", "I", "don", "circle", "red", "Qwen", "über", "naïve",
         "été", "Straße", "привет", "мир", "שלום", "مرحبا", "नमस्ते", "สวัสดี",
         "你好", "世界", "日本語", "カタカナ", "한국어", "Ελλάδα", "x1", "3.14",
         "2026", "½", "Ⅷ", "①", "٣", "http://a.b/c?d=e", "foo_bar", "C++", "#1",
         "👩‍👩‍👧", "🇩🇪", "👍🏽", "e\u0301", "A\u030a", "\u1112\u1161\u11ab"]


def scalar(rng):
    while True:
        c = rng.randrange(0x110000)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def piece(rng, added):
    kind = rng.randrange(12)
    if kind <= 2:
        return rng.choice(WORDS)
    if kind == 3:
        return "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 4)))
    if kind == 4:
        return rng.choice(CONTRACTIONS)
    if kind == 5:
        return rng.choice(BASES) + "".join(
            rng.choice(MARKS) for _ in range(rng.randint(0, 4)))
    if kind == 6:
        low, high = rng.choice(RANGES)
        return "".join(chr(rng.randint(low, high))
                       for _ in range(rng.randint(1, 5)))
    if kind == 7:
        return rng.choice(".,;:!?-_()[]{}<>|/\\\"'`~@#$%^&*+=") * rng.randint(1, 3)
    if kind == 8:
        return str(rng.randrange(10 ** rng.randint(1, 9)))
    if kind == 9 and rng.random() < 0.5:
        token = rng.choice(added)
        return token if rng.random() < 0.7 else token[: rng.randint(1, len(token))]
    if kind == 10:
        return "".join(scalar(rng) for _ in range(rng.randint(1, 3)))
    if kind == 11 and rng.random() < 0.3:
        return rng.choice(NEAR_SPACES)
    return " "


def texts(seed, count, longest, added):
    """`count` strings of up to `longest` pieces each."""
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(piece(rng, added)
                      for _ in range(rng.randint(0, longest)))
