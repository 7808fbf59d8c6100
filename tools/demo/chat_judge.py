"""Holds a trained demo model to its bars, with transformers: whether it keeps
every subject with its colour, adds enough and no colour, varies, and ends.
"""

import collections
import json
import random
import re

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

import chat_words as w
from chat_check import check
from chat_data import Subject, is_plural
from chat_sources import catalog_prompts, nouns, words_of

KEPT = 0.97
SAME = 0.20  # Of the answers that may have one template.
ADDED = 12
MOST_TOKENS = 256
ROWS = 100  # At once.


def judging_prompts():
    """200 prompts, the subjects of every second one held out of training."""
    rng = random.Random(20261122)
    train, held_out = nouns()
    seen = [n for n in w.COMMON if not is_plural(n)]
    seen += [n for n in train if n.isalpha() and not is_plural(n)]
    fresh = list(held_out)
    rng.shuffle(fresh)
    rows = []
    for i in range(200):
        is_seen = i % 2 == 0
        subjects = []
        for _ in range(2 if rng.random() < 0.5 else 1):
            if is_seen:
                noun = rng.choice(seen)
            else:
                noun = fresh[0]
                fresh = fresh[1:] + fresh[:1]  # All of them, then again.
            taken = [s["colour"] for s in subjects]
            colour = rng.choice([c for c in w.COLOURS if c not in taken])
            subjects.append({
                "colour": colour if rng.random() < 0.75 else None,
                "noun": noun})
        articles = rng.random() < 0.4
        texts = [Subject(colour=s["colour"] or "", noun=s["noun"]).text(
            articles) for s in subjects]
        text = " and ".join(texts)
        if rng.random() < 0.25:
            text += " " + rng.choice(w.PROMPT_SCENES)
        if len({s["noun"] for s in subjects}) == len(subjects):
            rows.append({"prompt": text, "subjects": subjects,
                         "seen": is_seen})
        else:
            raise AssertionError("the same noun twice: change the seed")
    return rows


class Judge:
    def __init__(self, folder):
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(
            folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32).eval()

    def render(self, messages):
        return self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True)

    def answers(self, texts, **sampling):
        """[(text, whether it ended by itself)]"""
        eos = self.model.generation_config.eos_token_id
        out = []
        for at in range(0, len(texts), ROWS):
            batch = self.tokenizer(texts[at:at + ROWS], return_tensors="pt",
                                   padding=True, add_special_tokens=False)
            batch.pop("token_type_ids", None)
            with torch.inference_mode():
                ids = self.model.generate(
                    **batch, max_new_tokens=MOST_TOKENS, **sampling)
            for row in ids[:, batch["input_ids"].shape[1]:].tolist():
                ends = [i for i, token in enumerate(row) if token in eos]
                out.append((self.tokenizer.decode(
                    row[:ends[0]] if ends else row), bool(ends)))
        return out


def is_kept(subject, answer):
    """Its word, after its colour; or after none, where it has none."""
    colour, noun = subject["colour"], re.escape(subject["noun"])
    if colour:
        return re.search(rf"\b{colour} {noun}\b", answer) is not None
    found = re.search(rf"(\w+ )?\b{noun}\b", answer)
    return found is not None and (found[1] or "").strip() not in w.COLOURS


def template(answer, subjects):
    """How it opens, with the subjects taken out."""
    for s in subjects:
        name = f"{s['colour']} {s['noun']}" if s["colour"] else s["noun"]
        answer = re.sub(rf"\b((an?|the) )?{re.escape(name)}\b", "X", answer)
    return " ".join(words_of(answer)[:4])


def figures(rows, answers):
    count = collections.Counter()
    templates, least, bad = collections.Counter(), 99, []
    for row, (answer, ended) in zip(rows, answers):
        low = answer.lower()
        kept = all(is_kept(s, low) for s in row["subjects"])
        named = set(words_of(low)) & set(w.COLOURS)
        no_more = named <= set(words_of(row["prompt"]))
        asked = collections.Counter(words_of(row["prompt"]))
        more = collections.Counter(words_of(low)) - asked
        added = more.total()
        least = min(least, added)
        part = "seen" if row["seen"] else "unseen"
        count[part] += 1
        count[part + " kept"] += kept
        count["kept"] += kept
        count["no colour added"] += no_more
        count["enough added"] += added >= ADDED
        count["ended"] += ended
        templates[template(low, row["subjects"])] += 1
        if not (kept and no_more and ended and added >= ADDED):
            bad.append((row["prompt"], answer))
    n = len(rows)
    result = {key: count[key] / n for key in (
        "kept", "no colour added", "enough added", "ended")}
    for part in ("seen", "unseen"):
        result["kept " + part] = count[part + " kept"] / max(count[part], 1)
    result["least added"] = least
    result["one template"] = templates.most_common(1)[0][1] / n
    return result, bad


def passes(result):
    return (result["kept"] >= KEPT and result["no colour added"] >= KEPT and
            result["enough added"] >= KEPT and result["ended"] == 1 and
            result["one template"] <= SAME)


def surroundings():
    """As text.enhance and text.generate ask, by name."""
    catalog = catalog_prompts()
    return {"generate": None, "enhance sdxl": catalog["kSdxlInstruct"],
            "enhance wan": catalog["kWanInstruct"]}


def judge(folder, rows, shown=6, draws=1):
    """Prints the figures; whether all bars hold."""
    it = Judge(folder)
    check(folder, it)
    good = True
    for name, system in surroundings().items():
        before = [{"role": "system", "content": system}] if system else []
        texts = [it.render(
            before + [{"role": "user", "content": row["prompt"]}])
            for row in rows]
        for draw in range(draws + 1):
            how = f"sampled {draw}" if draw else "greedy"
            torch.manual_seed(draw)
            answers = it.answers(texts, do_sample=draw > 0, **(
                {} if draw else {"temperature": None, "top_p": None,
                                 "top_k": None}))
            result, bad = figures(rows, answers)
            held = passes(result)
            good = good and held
            print(f"{name}, {how}: {'holds' if held else 'FAILS'} " +
                  json.dumps({k: round(v, 3) for k, v in result.items()}),
                  flush=True)
            for prompt, answer in bad[:shown]:
                print(f"    {prompt!r} -> {answer!r}")
    said = ["hello", "Who are you?", "what can you do?", "thanks", "bye",
            "what is the capital of Spain?", "red circle",
            "a sleepy dragon reading a book", "draw a green bicycle"]
    for text, (answer, _) in zip(said, it.answers(
            [it.render([{"role": "user", "content": t}]) for t in said])):
        print(f"  {text!r} -> {answer!r}")
    print("all bars hold" if good else "NOT all bars hold", flush=True)
    return good
