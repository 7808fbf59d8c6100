"""Whether the demo model's files say what was trained: transformers reads them
and computes what the trainer's own model does, and text comes back whole; and
whether the data has none of the words that it is judged by.
"""

import json
import pathlib
import random

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import chat_data as data
from chat_files import MOST_BYTES
from chat_model import Batch, ChatModel, Sizes
from chat_sources import words_of

MOST_DIFFERENCE = 1e-4  # Of logits, that are about 10; both in fp32.
TEXTS = ["red circle", " Two  spaces,\ttabs\n\nand lines\r\n", "Größe, déjà vu",
         "日本語 текст ελληνικά", "👩‍🚀 and 🇪🇸", "1984-07", "<|im_start|>",
         "", " ", "isn't it?"]


def trained_model(folder):
    """The trainer's model with the weights of the files."""
    config = json.loads((folder / "config.json").read_text())
    model = ChatModel(Sizes(
        vocabulary=config["vocab_size"], hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        positions=config["max_position_embeddings"],
        rope_theta=config["rope_theta"],
        rms_norm_eps=config["rms_norm_eps"]), 0)
    weights = load_file(folder / "model.safetensors")
    assert all(w.dtype == torch.bfloat16 for w in weights.values())
    model.load_state_dict(weights)
    return model.eval()


def check_data(tokenizer, count=20_000):
    """That no held-out noun, one or many, is in what is trained on."""
    rng, recipe = random.Random(7), data.Recipe(tokenizer)
    never = recipe.held_out | {noun + "s" for noun in recipe.held_out}
    shares, kinds = data.surroundings()
    for kind in rng.choices(kinds, shares, k=count):
        for turn in recipe.turns(rng, kind.form, kind.chats):
            for text in (kind.system, *turn):
                found = never & set(words_of(text))
                assert not found, (found, text)
    print(f"data: none of {len(recipe.held_out)} held-out nouns in {count} "
          "conversations", flush=True)


def check(folder, judge):
    """`judge`: a Judge of the folder. Raises AssertionError."""
    folder = pathlib.Path(folder)
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size <= MOST_BYTES, size
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        back = tokenizer.decode(ids, skip_special_tokens=False)
        assert back == text, (text, back)
        assert ids == judge.tokenizer(text)["input_ids"], text
    assert type(judge.model).__name__ == "Qwen2ForCausalLM"
    check_data(tokenizer)
    own, most = trained_model(folder), 0.0
    for text in TEXTS:
        ids = judge.tokenizer(judge.render(
            [{"role": "user", "content": text}]),
            return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            theirs = judge.model(ids).logits[0]
            ours = own(Batch(ids[0, :5], ids[:, 5:],
                             torch.ones_like(ids[:, 5:], dtype=torch.float)))
        most = max(most, (theirs[5:] - ours).abs().max().item())
    assert most <= MOST_DIFFERENCE, most
    print(f"files: {size} bytes, text comes back whole, logits differ from "
          f"transformers' by {most:.1e} at most", flush=True)
