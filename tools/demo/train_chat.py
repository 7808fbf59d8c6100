#!/usr/bin/env python3
"""Trains models/demo-chat/, the small Qwen2 that comes with the repository: it
chats a little and makes short picture prompts fuller. The data is made here
(chat_data.py and what it names), the tokenizer is trained on it.

Seeded: the same versions (tests/golden/requirements.txt), --steps and
--threads give the same weights on the same machine. With --minutes the number
of steps depends on the machine; with both, what comes first ends it.
MALLOC_MMAP_MAX_=0 and MALLOC_TRIM_THRESHOLD_=17179869184 in the environment
make it a seventh faster (two cores of Zen 4): memory is kept, not mapped anew.
With other work on the machine, OMP_WAIT_POLICY=passive makes more of a
difference: threads then do not wait for each other at full speed.

    train_chat.py --steps 3000 --threads 2
    train_chat.py --judge
"""

import argparse
import json
import os
import pathlib
import random
import signal
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import chat_data as data
import chat_files as files
from chat_judge import judge, judging_prompts
from chat_model import Batch, ChatModel, Sizes
from chat_sources import REPOSITORY, check_words

SEED = 20261122
VOCABULARY = 2048
TOKENIZER_EXAMPLES = 30_000
CHUNK_GROUPS = 24  # Surroundings of a chunk of data.
GROUP_EXAMPLES = 320
# First what is to be copied stands among phrases in any order, then those of
# an answer follow one another in one: otherwise likeliest answers go round.
ANY_ORDER_CHUNKS = 3
BATCH_TOKENS = 2048  # With padding; about 30 examples.
COPIED = 3.0  # How much more what stands in the prompt counts.
WARM_UP = 200
MOST_GAP = 200
CHECKPOINT_S = 120


def tokenizer_texts():
    """As in training, with little of what repeats; the nouns once each, so
    that the pieces of common words are among the tokens."""
    rng = random.Random(SEED)
    recipe = data.Recipe()
    shares, kinds = data.surroundings()
    for _ in range(TOKENIZER_EXAMPLES):
        kind = rng.choices(kinds, shares)[0]
        if kind.form == data.REPEATED:
            continue
        for said, answered in recipe.turns(rng, kind.form, kind.chats):
            yield said
            yield answered
    for kind in kinds * 20:
        yield kind.system + "\n\nPrompt: x\nEnhanced prompt: y"
    for noun in recipe.train_nouns * 4:
        yield "a " + noun
    for colour in data.w.COLOURS * 40:
        yield colour
        yield capital_and_article(colour)
    yield from ["system\n", "user\n", "assistant\n"] * 1000


def capital_and_article(word):
    return data.capital(word) + " a An The"


class Encoder:
    """Conversations as ids, with the answers marked."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.start, self.end, self.end_of_text = (
            tokenizer.token_to_id(t)
            for t in (files.START, files.END, files.END_OF_TEXT))
        self.newline = self.ids("\n")
        self.assistant = [self.start] + self.ids("assistant\n")

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def before(self, kind):
        if kind.style == data.BASE:
            return self.ids(kind.system + "\n\nPrompt:")
        return ([self.start] + self.ids("system\n" + kind.system) +
                [self.end] + self.newline)

    def row(self, kind, turns):
        """(ids, how much the next id counts: 0 outside of answers), by
        position."""
        ids, counts = [], []

        def add(new, is_answer=False):
            counts.extend((COPIED if i in ids else 1.0) if is_answer else 0.0
                          for i in new)
            ids.extend(new)

        if kind.style == data.BASE:
            said, answered = turns[0]
            add(self.ids(f" {said}\nEnhanced prompt:"))
            add(self.ids(" " + answered) + [self.end], True)
        else:
            for i, (said, answered) in enumerate(turns):
                if i > 0:
                    add(self.newline)
                add([self.start] + self.ids("user\n" + said) + [self.end])
                add(self.newline + self.assistant)
                add(self.ids(answered) + [self.end], True)
        return ids, counts[1:] + [0.0]


def padded(rows, pad):
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([r + [pad] * (longest - len(r)) for r, _ in rows])
    counts = torch.tensor([c + [0.0] * (longest - len(c)) for _, c in rows])
    return ids, counts


def chunk(encoder, recipe, index):
    """The batches of one chunk: by its index alone."""
    rng = random.Random(SEED * 1_000_003 + index)
    recipe.any_order = index < ANY_ORDER_CHUNKS
    shares, kinds = data.surroundings()
    batches = []
    for kind in rng.choices(kinds, shares, k=CHUNK_GROUPS):
        before = torch.tensor(encoder.before(kind))
        rows = [encoder.row(kind, recipe.turns(rng, kind.form, kind.chats))
                for _ in range(GROUP_EXAMPLES)]
        rows.sort(key=lambda row: len(row[0]))
        while rows:
            count = max(1, min(len(rows), BATCH_TOKENS // len(rows[-1][0])))
            some, rows = rows[-count:], rows[:-count]
            ids, counts = padded(some, encoder.end_of_text)
            # As if something had been said before: a subject is found from
            # where it stands to the answer, however far on in a chat.
            gap = rng.randint(1, MOST_GAP) if rng.random() < 0.1 else 0
            batches.append(Batch(before, ids, counts, gap, kind.form))
    rng.shuffle(batches)
    return batches


def loss_of(model, batch):
    """Of the answers' tokens only, and more of those to be copied: the others
    could mostly have been others."""
    wanted = batch.counts > 0
    targets, counts = batch.rows.roll(-1, 1)[wanted], batch.counts[wanted]
    loss = F.cross_entropy(model(batch).float(), targets, reduction="none")
    return (loss * counts).sum() / counts.sum()


def alike(tokenizer):
    """Of each token the first that differs in space or capitals at most."""
    first, out = {}, [0] * VOCABULARY
    for token, number in sorted(tokenizer.get_vocab().items()):
        out[number] = first.setdefault(
            token.removeprefix("\u0120").lower(), number)
    return torch.tensor(out)


class Training:
    def __init__(self, args):
        self.args = args
        self.work = pathlib.Path(args.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.step = self.chunk = self.batch = 0
        self.elapsed = 0.0
        self.stopped = False
        self.tokenizer = self.make_tokenizer()
        self.encoder = Encoder(self.tokenizer)
        self.recipe = data.Recipe(self.tokenizer)
        self.model = ChatModel(Sizes(vocabulary=VOCABULARY), SEED,
                               alike(self.tokenizer))
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=args.rate, betas=(0.9, 0.98),
            weight_decay=0.01, fused=True)
        if args.resume:
            self.restore()

    def make_tokenizer(self):
        path = self.work / "tokenizer.json"
        if not (self.args.resume and path.exists()):
            files.train_tokenizer(tokenizer_texts(), VOCABULARY).save(
                str(path))
        return Tokenizer.from_file(str(path))

    # ---- To go on after a cut.

    def save(self):
        path = self.work / "checkpoint.pt"
        torch.save({"model": self.model.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "at": (self.step, self.chunk, self.batch, self.elapsed)},
                   path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def restore(self):
        saved = torch.load(self.work / "checkpoint.pt")
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.chunk, self.batch, self.elapsed = saved["at"]

    # ---- The run.

    def done(self):
        """The part of the way that is behind, 1 at its end."""
        steps, minutes = self.args.steps, self.args.minutes
        return max(self.step / steps if steps else 0,
                   self.elapsed / (60 * minutes) if minutes else 0)

    def batches(self):
        while True:
            rows = chunk(self.encoder, self.recipe, self.chunk)
            while self.batch < len(rows):
                self.batch += 1
                yield rows[self.batch - 1]
            self.chunk, self.batch = self.chunk + 1, 0

    def learn(self, batch):
        part = max(0.0, 1 - self.done())
        part *= min(1.0, (self.step + 1) / WARM_UP)
        for group in self.optimizer.param_groups:
            group["lr"] = self.args.rate * part
        with torch.autocast("cpu", dtype=torch.bfloat16,
                            enabled=not self.args.fp32):
            loss = loss_of(self.model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.item()

    def stop(self, *_):
        self.stopped = True

    def run(self):
        """Stopped by a signal, it can go on with --resume."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        last = saved = time.monotonic()
        losses, forms, tokens, since = [], {}, 0, self.elapsed
        for batch in self.batches():
            if self.done() >= 1 or self.stopped:
                break
            losses.append(self.learn(batch))
            forms[batch.form] = losses[-1]
            tokens += batch.rows.numel() + len(batch.before)
            now = time.monotonic()
            self.elapsed, last = self.elapsed + now - last, now
            if self.step % self.args.every == 0:
                took = self.elapsed - since
                left = self.elapsed * (1 / max(self.done(), 1e-9) - 1)
                print(f"step {self.step} loss {sum(losses)/len(losses):.4f} "
                      f"{tokens / took:.0f} tokens/s "
                      f"{len(losses) / took:.2f} steps/s "
                      f"{self.elapsed / 60:.1f} min, {left / 60:.1f} left",
                      *(f"{k} {v:.2f}" for k, v in sorted(forms.items())),
                      flush=True)
                losses, tokens, since = [], 0, self.elapsed
            if now - saved > CHECKPOINT_S:
                self.save()
                saved = now
        self.save()
        if self.stopped:
            raise SystemExit(f"stopped at step {self.step}")
        self.export()

    def export(self):
        files.export(self.args.out, self.model, self.tokenizer, {
            "steps": str(self.step), "seed": str(SEED),
            "minutes": f"{self.elapsed / 60:.1f}",
            "threads": str(torch.get_num_threads())})


def write_prompts(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(json.dumps(row) for row in judging_prompts())
    path.write_text('{"colours":\n' + json.dumps(data.w.COLOURS) +
                    ',\n"prompts": [\n' + rows + "\n]}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--fp32", action="store_true",
                        help="no products of bf16: for a CPU without them")
    parser.add_argument("--every", type=int, default=20,
                        help="steps between lines of progress")
    parser.add_argument("--out", default=str(REPOSITORY / "models/demo-chat"))
    parser.add_argument("--work", default="/tmp/train_chat",
                        help="where checkpoints are")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--export", action="store_true",
                        help="only write the checkpoint as a model")
    parser.add_argument("--judge", action="store_true",
                        help="judge what --out has; after training, if asked")
    parser.add_argument("--draws", type=int, default=1,
                        help="of the default sampling, when judging")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    check_words()
    if args.export:
        args.resume = True
        Training(args).export()
    elif args.steps or args.minutes:
        write_prompts(REPOSITORY / "tests/models/data/demo_chat_prompts.json")
        Training(args).run()
    elif not args.judge:
        parser.error("one of --steps, --minutes, --export, --judge is needed")
    if args.judge and not judge(args.out, judging_prompts(),
                                draws=args.draws):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
