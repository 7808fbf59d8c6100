#!/usr/bin/env python3
"""Adds expected/rounded.json to the models of tests/golden/qwen2/: how far
other roundings of the same weights lead away from fp32, over the prompt and
its 256 greedy tokens. `bf16` is transformers itself in bf16; `q8_0` and `q4_0`
are llama.cpp's formats, by its formulas: blocks of 32 weights with a scale in
fp16, inputs of products rounded to q8_0, too. As llama.cpp writes a q4_0 file
whose rows are no multiple of 256, the head (and with it a tied embedding) is
q8_0. Norms, biases and attention are fp32.

    make_rounded.py
"""

import json
import pathlib

import torch
from transformers import Qwen2ForCausalLM

BLOCK = 32
FOLDER = pathlib.Path(__file__).parent / "qwen2"


def blocks_of(x):
    """[..., blocks, 32], the last one filled up by zeros."""
    short = -x.shape[-1] % BLOCK
    return torch.nn.functional.pad(x, (0, short)).unflatten(-1, (-1, BLOCK))


def joined(blocks, width):
    return blocks.flatten(-2)[..., :width]


def inverse(scale):
    return torch.where(scale == 0, 0.0, 1.0 / scale)


def q8_0(x):
    """quantize_row_q8_0_ref and back."""
    blocks = blocks_of(x)
    scale = blocks.abs().amax(-1, keepdim=True) / 127
    scaled = blocks * inverse(scale)
    codes = torch.sign(scaled) * torch.floor(scaled.abs() + 0.5)
    return joined(codes * scale.half().float(), x.shape[-1])


def q4_0(x):
    """quantize_row_q4_0_ref and back."""
    blocks = blocks_of(x)
    most = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True))
    scale = most / -8
    codes = torch.floor(blocks * inverse(scale) + 8.5).clamp(max=15) - 8
    return joined(codes * scale.half().float(), x.shape[-1])


def rounded_model(folder, body):
    model = Qwen2ForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    tied = model.config.tie_word_embeddings
    with torch.no_grad():
        embedding = model.model.embed_tokens.weight
        head = model.lm_head.weight
        embedding.copy_((q8_0 if tied else body)(embedding))
        if not tied:
            head.copy_(q8_0(head))
        for name, module in model.named_modules():
            if not isinstance(module, torch.nn.Linear):
                continue
            if name != "lm_head":
                module.weight.copy_(body(module.weight))
            module.register_forward_pre_hook(
                lambda _module, inputs: (q8_0(inputs[0]),))
    return model


def compute(model, ids):
    blocks = []
    hooks = [
        layer.register_forward_hook(
            lambda _module, _inputs, output: blocks.append(
                (output[0] if isinstance(output, tuple) else output).double()))
        for layer in model.model.layers
    ]
    logits = model(ids.unsqueeze(0)).logits[0].double()
    for hook in hooks:
        hook.remove()
    return [b.reshape(ids.numel(), -1) for b in blocks], logits


def far(exact, other):
    """Relative L2 of each block and of the logits, and the mean of
    sum p (log p - log q) over the rows."""
    p, q = (torch.log_softmax(x[1], -1) for x in (exact, other))
    error = lambda a, b: ((b - a).norm() / a.norm()).item()
    return {
        "blocks": [error(a, b) for a, b in zip(exact[0], other[0])],
        "logits": error(exact[1], other[1]),
        "logit_rms": (other[1] - exact[1]).square().mean().sqrt().item(),
        "divergence": (p.exp() * (p - q)).sum(-1).mean().item(),
    }


@torch.no_grad()
def make(folder):
    tokens = json.loads((folder / "expected" / "tokens.json").read_text())
    ids = torch.tensor(tokens["prompt"] + tokens["greedy"])
    plain = lambda dtype: Qwen2ForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager").eval()
    exact = compute(plain(torch.float32), ids)
    result = {
        "bf16": far(exact, compute(plain(torch.bfloat16), ids)),
        "q8_0": far(exact, compute(rounded_model(folder, q8_0), ids)),
        "q4_0": far(exact, compute(rounded_model(folder, q4_0), ids)),
    }
    (folder / "expected" / "rounded.json").write_text(json.dumps(result) + "\n")
    for name, values in result.items():
        print(folder.name, name, json.dumps(values))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for model_folder in sorted(FOLDER.iterdir()):
        make(model_folder)
