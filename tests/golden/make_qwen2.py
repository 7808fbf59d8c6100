#!/usr/bin/env python3
"""Makes tests/golden/qwen2/: tiny seeded Qwen2 models in the forms that occur,
and what transformers computes with them in fp32: what each block gives, the
logits, and 256 greedy tokens. Seeded: the same versions (requirements.txt)
write the same weights; the last bits of the outputs depend on the machine.

    make_qwen2.py [--out DIR]
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM

PROMPT = 40
GREEDY = 256
# A choice closer than this could fall either way in another order of sums.
LEAST_MARGIN = 2e-3
LEAST_KINDS = 50

MODELS = {
    # As transformers 5 writes it; four heads share two; a tied head. Quiet
    # embeddings, or a tied model only says again what it heard.
    "gqa_tied": dict(
        hidden_size=64, head_dim=64, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=112, num_hidden_layers=2,
        vocab_size=300, tie_word_embeddings=True, stored=torch.bfloat16,
        embeddings=0.1),
    # As the hub's Qwen2.5 files are; every head its own keys; a head apart.
    "mha_untied": dict(
        hidden_size=128, num_attention_heads=2, num_key_value_heads=2,
        intermediate_size=96, num_hidden_layers=2, vocab_size=258,
        tie_word_embeddings=False, stored=torch.float16, hub_form=True),
    # Heads of 128, biases of nothing, fp32 in shards.
    "head128_sharded": dict(
        hidden_size=64, head_dim=128, num_attention_heads=3,
        num_key_value_heads=1, intermediate_size=80, num_hidden_layers=2,
        vocab_size=200, tie_word_embeddings=False, stored=torch.float32,
        zero_biases=True, shard="250KB"),
}


def make_model(sizes, stored, embeddings, zero_biases, seed):
    config = Qwen2Config(
        **sizes, max_position_embeddings=512, rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        bos_token_id=None, eos_token_id=0, pad_token_id=None,
        attn_implementation="eager")
    model = Qwen2ForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.randn(parameter.shape, generator=generator)
            if name.endswith("bias"):
                values = values * (0.0 if zero_biases else 0.5)
            elif "norm" in name:
                values = 1 + 0.2 * values
            elif "embed" in name:
                values = values * embeddings
            else:
                values = values * 1.5 / parameter.shape[1] ** 0.5
            # What the file can hold.
            parameter.copy_(values.to(stored).float())
    return model


def blocks_and_logits(model, prompt):
    blocks = []
    hooks = [
        layer.register_forward_hook(
            lambda _module, _inputs, output: blocks.append(
                output[0] if isinstance(output, tuple) else output))
        for layer in model.model.layers
    ]
    logits = model(prompt.unsqueeze(0)).logits[0]
    for hook in hooks:
        hook.remove()
    blocks = [b[0] if b.dim() == 3 else b for b in blocks]
    return blocks, logits


def greedy(model, prompt):
    """The tokens, and the least lead that one of them had."""
    tokens, least = [], float("inf")
    step, cache = prompt.unsqueeze(0), None
    for _ in range(GREEDY):
        output = model(step, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        best = output.logits[0, -1].topk(2)
        least = min(least, (best.values[0] - best.values[1]).item())
        tokens.append(best.indices[0].item())
        step = best.indices[:1].unsqueeze(0)
    return tokens, least


def to_hub_form(path):
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope["rope_theta"]
    config["torch_dtype"] = config.pop("dtype")
    for key in ("layer_types", "pad_token_id", "head_dim"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


@torch.no_grad()
def make(name, out):
    sizes = dict(MODELS[name])
    stored = sizes.pop("stored")
    embeddings = sizes.pop("embeddings", 1.0)
    hub_form = sizes.pop("hub_form", False)
    zero_biases = sizes.pop("zero_biases", False)
    shard = sizes.pop("shard", "1GB")
    for seed in range(1, 200):
        model = make_model(sizes, stored, embeddings, zero_biases, seed)
        prompt = torch.randint(
            sizes["vocab_size"], (PROMPT,),
            generator=torch.Generator().manual_seed(seed))
        tokens, least = greedy(model, prompt)
        if least >= LEAST_MARGIN and len(set(tokens)) >= LEAST_KINDS:
            break
    else:
        raise SystemExit(f"{name}: no seed leads clearly")
    blocks, logits = blocks_and_logits(model, prompt)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "expected").mkdir(parents=True)
    expected = {f"block.{i}": b.contiguous() for i, b in enumerate(blocks)}
    expected["logits"] = logits.contiguous()
    save_file(expected, folder / "expected" / "model.safetensors")
    (folder / "expected" / "tokens.json").write_text(json.dumps({
        "prompt": prompt.tolist(), "greedy": tokens,
        "least_margin": least, "seed": seed}) + "\n")
    model.to(stored).save_pretrained(folder, max_shard_size=shard)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    if hub_form:
        to_hub_form(folder / "config.json")
    print(f"{name}: seed {seed}, {len(set(tokens))} kinds of tokens, "
          f"least margin {least:.4f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path,
                        default=pathlib.Path(__file__).parent / "qwen2")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for name in MODELS:
        make(name, out)


if __name__ == "__main__":
    main()
