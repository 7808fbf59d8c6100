#!/usr/bin/env python3
"""Makes tests/golden/tokenizer/: a small byte-level BPE tokenizer of the Qwen2
form in both spellings, and what Hugging Face's libraries say of texts, ids and
chats. Seeded: the same versions (requirements.txt) write the same bytes.

Usage: make_tokenizer.py
"""
import json
import pathlib
import random

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        normalizers, pre_tokenizers, processors, trainers)
from transformers import PreTrainedTokenizerFast

import fuzz_text

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tokenizer"
VOCABULARY = 1500
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
           r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>",
           "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
           "<|box_end|>", "<|quad_start|>", "<|quad_end|>",
           "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
           "<|image_pad|>", "<|video_pad|>"]
PLAIN = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>",
         "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"]
ADDED = SPECIAL + PLAIN
REAL = [
    "", " ", "\n", "Hello, world!", "I'm sure it's what they'd say: we'll see.",
    "  two spaces before,  two within, two after  ", "a\n\n\nb\r\n\r\nc \n d\t\n",
    "def f(x):\n    return {'a': x ** 2}  # 12345\n",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "色は匂へど 散りぬるを", "中华人民共和国万岁！2026年11月21日。",
    "다람쥐 헌 쳇바퀴에 타고파", "\u1103\u1161\u1105\u1161\u11b7\u110c\u1171",
    "नमस्ते दुनिया। १२३", "สวัสดีชาวโลก", "שלום עולם", "مرحبا بالعالم ١٢٣",
    "👩‍👩‍👧 🇩🇪 👍🏽 ❤️ ☃", "e\u0301 \u0065\u0323\u0307 \u0065\u0307\u0323 \u212b",
    "½ ① Ⅷ ² ٣ 3.14159", "\u00a0nbsp\u2003em\u3000ideographic\u200bzero",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|<|im_end|><|endoftext|><tool_call>x</tool_call><|im_",
    "'S 'T 'RE 'VE 'M 'LL 'D '\u017f I'LLama don't", "a" * 300, "ab " * 100,
    "\x00\x01\x7f\u0085\u2028\u2029\ufeff\uffff\U0010ffff",
]


def corpus(rng):
    """Sentences of invented and real words, for the trainer."""
    syllables = [a + b for a in "b c d f g l m n p r s t v".split()
                 for b in "a e i o u an en in or us".split()]
    invented = ["".join(rng.choices(syllables, k=rng.randint(1, 4)))
                for _ in range(400)]
    words = invented + fuzz_text.WORDS + " ".join(REAL[3:22]).split()
    for _ in range(4000):
        line = " ".join(rng.choices(words, k=rng.randint(3, 14)))
        yield rng.choice([line, line.capitalize() + ".", line + "!\n",
                          "  " + line + " 17\n\n"])


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False,
                                 use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator(
        corpus(random.Random(20261121)),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY, show_progress=False,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_tokens([AddedToken(t, special=t in SPECIAL, normalized=False)
                          for t in ADDED])
    return tokenizer


def write_tokenizers(tokenizer):
    """As transformers 5 writes it, and as the hub's Qwen2.5 files have it."""
    folder = OUT / "saved"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=(HERE / "chat_template.jinja").read_text(),
    ).save_pretrained(folder)
    saved = json.loads((folder / "tokenizer.json").read_text())
    assert isinstance(saved["model"]["merges"][0], list)
    dump(OUT / "pairs.json", saved)
    saved["model"]["merges"] = [" ".join(m) for m in saved["model"]["merges"]]
    saved["model"].pop("ignore_merges", None)
    dump(OUT / "strings.json", saved)
    fast = PreTrainedTokenizerFast.from_pretrained(folder)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return fast


def dump(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n")


def lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=True,
                                       separators=(",", ":")) + "\n"
                            for row in rows))


def write_texts(tokenizer):
    fuzzed = fuzz_text.texts(7, 3000, 12, ADDED)
    lines(OUT / "texts.jsonl",
          ({"text": t, "ids": tokenizer.encode(t).ids}
           for t in [*REAL, *fuzzed]))


def write_ids(tokenizer):
    """Ids in any order: bytes that are seldom UTF-8."""
    rng = random.Random(8)
    size = tokenizer.get_vocab_size()
    rows = []
    for _ in range(1500):
        high = rng.choice([300, size])
        ids = [rng.randrange(high) for _ in range(rng.randint(1, 12))]
        rows.append({"ids": ids,
                     "keep": tokenizer.decode(ids, skip_special_tokens=False),
                     "skip": tokenizer.decode(ids, skip_special_tokens=True)})
    lines(OUT / "ids.jsonl", rows)


def chats():
    user = {"role": "user", "content": "Weather in Paris?\n\n"}
    system = {"role": "system", "content": "Answer in one word. <é>"}
    tool = {"type": "function", "function": {
        "name": "weather", "description": "It's \"now\" in <a> place & time\n",
        "parameters": {"type": "object", "properties": {
            "place": {"type": "string"}, "days": {"type": "integer",
                                                  "default": 1}},
            "required": ["place"], "additionalProperties": False,
            "numbers": [0, -1, 1.5, 1e-05, 0.0001, 1e16, 1e15, 123456.789,
                        -0.0, 1.0, 5e-324, 1.7976931348623157e308, 1e22, 0.1,
                        100.0, 2**63, -2**63], "empty": [{}, [], "", None, True,
                                                 "é\u0001\x7f\u2028/\\"]}}}
    call = {"function": {"name": "weather",
                         "arguments": {"place": "Paris", "days": 2}}}
    bare = {"name": "weather", "arguments": {}}
    answer = {"role": "tool", "content": "{\"sky\": \"blue\"}"}
    said = {"role": "assistant", "content": "Sunny."}

    def calls(content, *made):
        return {"role": "assistant", "content": content,
                "tool_calls": list(made)}

    for messages in (
            [user], [system, user], [system], [said], [answer],
            [user, said, user], [system, user, said, system, user],
            [user, calls("", call), answer],
            [user, calls("Let me see.", call, bare), answer, answer, said, user],
            [user, answer, user, answer, answer], [calls("", bare)],
            [{"role": "user", "content": ""}],
            [{"role": "user", "content": "<|im_end|>\n<|im_start|>system\n"}]):
        for tools in ([], [tool], [tool, {"name": "noop"}]):
            for prompt in (True, False):
                yield {"messages": messages, "tools": tools,
                       "add_generation_prompt": prompt}


def write_chats(fast):
    rows = []
    for chat in chats():
        text = fast.apply_chat_template(
            chat["messages"], tools=chat["tools"] or None, tokenize=False,
            add_generation_prompt=chat["add_generation_prompt"])
        rows.append({**chat, "text": text})
    lines(OUT / "chats.jsonl", rows)


def main():
    OUT.mkdir(exist_ok=True)
    tokenizer = train()
    fast = write_tokenizers(tokenizer)
    write_texts(tokenizer)
    write_ids(tokenizer)
    write_chats(fast)


if __name__ == "__main__":
    main()
