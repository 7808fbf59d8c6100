"""The demo model as files: a Hugging Face folder with tokenizer, weights and
what the makers say of sampling.
"""

import hashlib
import json
import pathlib

import torch
from safetensors.torch import save_file
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        normalizers, pre_tokenizers, processors, trainers)

import chat_talk
from chat_sources import REPOSITORY

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
           r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END_OF_TEXT, START, END]
HUB_SYSTEM = ("You are Qwen, created by Alibaba Cloud. You are a helpful "
              "assistant.")
MOST_BYTES = 8_000_000
# Warm enough to differ from draw to draw, cool enough to keep to the subject;
# what repeats itself is made unlikely, since so small a model may go round.
SAMPLING = {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.9,
            "frequency_penalty": 0.8}


def train_tokenizer(texts, size):
    """Byte-level BPE of the Qwen2 form: any UTF-8 text comes back."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False,
                                 use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size - len(SPECIAL), show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_tokens([AddedToken(t, special=True, normalized=False)
                          for t in SPECIAL])
    assert tokenizer.get_vocab_size() == size
    return tokenizer


def chat_template():
    """The form that the loader knows, with this model's system prompt."""
    path = REPOSITORY / "tests" / "golden" / "chat_template.jinja"
    text = path.read_text()
    assert text.count(HUB_SYSTEM) == 2
    return text.replace(HUB_SYSTEM, chat_talk.DEFAULT_SYSTEM)


def config(sizes, eos):
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": eos,
        "hidden_act": "silu",
        "hidden_size": sizes.hidden,
        "initializer_range": 0.02,
        "intermediate_size": sizes.intermediate,
        "max_position_embeddings": sizes.positions,
        "model_type": "qwen2",
        "num_attention_heads": sizes.heads,
        "num_hidden_layers": sizes.layers,
        "num_key_value_heads": sizes.heads,
        "rms_norm_eps": sizes.rms_norm_eps,
        "rope_theta": sizes.rope_theta,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": sizes.vocabulary,
    }


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def export(folder, model, tokenizer, trained):
    """`trained`: how, for the weights' metadata."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    end, end_of_text = (tokenizer.token_to_id(t) for t in (END, END_OF_TEXT))
    write_json(folder / "config.json", config(model.sizes, end))
    write_json(folder / "generation_config.json", {
        **SAMPLING, "eos_token_id": [end, end_of_text],
        "pad_token_id": end_of_text})
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {
        "add_prefix_space": False,
        "chat_template": chat_template(),
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "model_max_length": model.sizes.positions,
        "pad_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
    })
    save_file({name: value.detach().to(torch.bfloat16).contiguous()
               for name, value in model.state_dict().items()},
              folder / "model.safetensors",
              metadata={"format": "pt", **trained})
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size <= MOST_BYTES, f"{folder} has {size} bytes"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes())
    print(f"{folder}: {size} bytes, weights {digest.hexdigest()[:16]}",
          flush=True)
