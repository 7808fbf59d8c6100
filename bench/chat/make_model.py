#!/usr/bin/env python3
"""Writes a model of the Qwen2.5-0.5B shapes with seeded random weights: DIR/hf
as Hugging Face stores it (bf16), and DIR/{bf16,q8_0,q4_0}.gguf of the same
weights for llama.cpp. As llama.cpp does with rows that are no multiple of 256,
the tied embedding of q4_0 is q8_0. Needs numpy, safetensors and gguf.

    make_model.py DIR
"""

import json
import pathlib
import sys

import gguf
import numpy as np

HIDDEN, WIDE, LAYERS, HEADS, KV_HEADS, VOCABULARY = 896, 4864, 24, 14, 2, 151936
KV = HIDDEN // HEADS * KV_HEADS
TOKENS = 151643
EPSILON, THETA, POSITIONS = 1e-6, 1e6, 32768


def random_bf16(rng, shape, size, mean=0.0):
    """Numbers that bf16 holds, as uint16."""
    x = rng.standard_normal(shape, dtype=np.float32) * np.float32(size) + np.float32(mean)
    return ((x.view(np.uint32) + 0x8000) >> 16).astype(np.uint16)


def widened(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def tensors():
    """(name of Hugging Face, name of GGUF, numbers), layer by layer."""
    rng = np.random.default_rng(20261122)
    matrix = lambda outputs, inputs, size=1.0: random_bf16(
        rng, (outputs, inputs), size / inputs**0.5)
    vector = lambda n, size, mean=0.0: random_bf16(rng, (n,), size, mean)
    yield "model.embed_tokens", "token_embd", matrix(VOCABULARY, HIDDEN)
    for i in range(LAYERS):
        hf, ours = f"model.layers.{i}.", f"blk.{i}."
        yield hf + "input_layernorm", ours + "attn_norm", vector(HIDDEN, 0.1, 1)
        yield hf + "self_attn.q_proj", ours + "attn_q", matrix(HIDDEN, HIDDEN)
        yield hf + "self_attn.k_proj", ours + "attn_k", matrix(KV, HIDDEN)
        yield hf + "self_attn.v_proj", ours + "attn_v", matrix(KV, HIDDEN)
        yield hf + "self_attn.q_proj.bias", ours + "attn_q.bias", vector(HIDDEN, 0.3)
        yield hf + "self_attn.k_proj.bias", ours + "attn_k.bias", vector(KV, 0.3)
        yield hf + "self_attn.v_proj.bias", ours + "attn_v.bias", vector(KV, 0.3)
        yield hf + "self_attn.o_proj", ours + "attn_output", matrix(HIDDEN, HIDDEN)
        yield hf + "post_attention_layernorm", ours + "ffn_norm", vector(HIDDEN, 0.1, 1)
        yield hf + "mlp.gate_proj", ours + "ffn_gate", matrix(WIDE, HIDDEN)
        yield hf + "mlp.up_proj", ours + "ffn_up", matrix(WIDE, HIDDEN)
        yield hf + "mlp.down_proj", ours + "ffn_down", matrix(HIDDEN, WIDE)
    yield "model.norm", "output_norm", vector(HIDDEN, 0.1, 1)


def named(name):
    return name if name.endswith(".bias") else name + ".weight"


def byte_alphabet():
    """The characters that stand for bytes in a byte-level vocabulary."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    table = {b: chr(b) for b in shown}
    table.update({b: chr(256 + i) for i, b in enumerate(hidden)})
    return [table[b] for b in range(256)]


def write_tokenizer(folder):
    """As many tokens as the real one has: pairs of bytes, then triples."""
    alphabet = byte_alphabet()
    words, merges = list(alphabet), []
    for begin in (0, 256):
        for left in words[begin:begin + 65536].copy():
            for right in alphabet:
                if len(words) < TOKENS:
                    words.append(left + right)
                    merges.append([left, right])
    pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
               r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    plain = dict(add_prefix_space=False, trim_offsets=False, use_regex=False)
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{
            "id": TOKENS, "content": "<|endoftext|>", "single_word": False,
            "lstrip": False, "rstrip": False, "normalized": False,
            "special": True}],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern},
             "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", **plain}]},
        "post_processor": {"type": "ByteLevel", **plain},
        "decoder": {"type": "ByteLevel", **plain},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None,
            "continuing_subword_prefix": "", "end_of_word_suffix": "",
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {word: i for i, word in enumerate(words)},
            "merges": merges}}, ensure_ascii=False))


def write_hf(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
        "hidden_act": "silu", "hidden_size": HIDDEN, "intermediate_size": WIDE,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "vocab_size": VOCABULARY,
        "max_position_embeddings": POSITIONS, "rms_norm_eps": EPSILON,
        "rope_theta": THETA, "tie_word_embeddings": True,
        "use_sliding_window": False, "torch_dtype": "bfloat16",
        "bos_token_id": TOKENS, "eos_token_id": TOKENS}, indent=2))
    header, at = {}, 0
    for name, _, bits in tensors():
        header[named(name)] = {"dtype": "BF16", "shape": list(bits.shape),
                               "data_offsets": [at, at + bits.nbytes]}
        at += bits.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, _, bits in tensors():
            file.write(bits.tobytes())
    write_tokenizer(folder)


def write_gguf(path, body, head):
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(THETA)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("none")
    for _, name, bits in tensors():
        x = widened(bits)
        kind = gguf.GGMLQuantizationType.F32
        if bits.ndim == 2:
            kind = head if name == "token_embd" else body
        data = x if kind == gguf.GGMLQuantizationType.F32 else gguf.quants.quantize(x, kind)
        writer.add_tensor(named(name), data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    folder = pathlib.Path(sys.argv[1])
    write_hf(folder / "hf")
    kinds = gguf.GGMLQuantizationType
    write_gguf(folder / "bf16.gguf", kinds.BF16, kinds.BF16)
    write_gguf(folder / "q8_0.gguf", kinds.Q8_0, kinds.Q8_0)
    write_gguf(folder / "q4_0.gguf", kinds.Q4_0, kinds.Q8_0)


if __name__ == "__main__":
    main()
