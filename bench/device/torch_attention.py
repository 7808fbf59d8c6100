#!/usr/bin/env python3
"""torch's attention at the shapes of bench_device, as its peer.

Prints a line of JSON for each shape and backend (cuDNN's, and flash where the
build has it). Run it beside bench_device, in turn, on the same idle device.
Ends with 4 where there is no device. Has not run on a device yet.
"""

import json
import statistics
import sys

try:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
except ImportError as why:
    sys.exit(f"torch_attention: {why}; pip install torch")

NO_DEVICE = 4
ROUNDS = 21
RUNS = 4

# name, batch, tokens, heads, kv heads, head size, causal
SHAPES = [
    ("A1.full.hd128.n32760", 1, 32760, 12, 12, 128, False),
    ("A3.full.hd64.n4096", 2, 4096, 10, 10, 64, False),
    ("A3.full.hd64.n1024", 2, 1024, 20, 20, 64, False),
    ("A5.causal.hd128.n2048", 1, 2048, 28, 4, 128, True),
    ("A5.causal.hd128.n8192", 1, 8192, 28, 4, 128, True),
    ("A5.causal.hd128.n32768", 1, 32768, 28, 4, 128, True),
]
BACKENDS = {"cudnn": SDPBackend.CUDNN_ATTENTION,
            "flash": SDPBackend.FLASH_ATTENTION}


def seconds(run):
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(RUNS):
            run()
    took = []
    for _ in range(ROUNDS):
        begin = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        took.append(begin.elapsed_time(end) / 1e3 / RUNS)
    return statistics.median(took)


def measure(name, batch, tokens, heads, kv_heads, dim, causal, backend):
    def numbers(count):
        return torch.randn(batch, count, tokens, dim, device="cuda",
                           dtype=torch.bfloat16)

    q, k, v = numbers(heads), numbers(kv_heads), numbers(kv_heads)

    def run():
        with sdpa_kernel(BACKENDS[backend]):
            torch.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=causal, enable_gqa=heads != kv_heads)

    operations = 4 * batch * tokens * tokens * heads * dim
    took = seconds(run)
    print(json.dumps({
        "bench": "device.torch", "case": name, "backend": backend,
        "value": operations * (0.5 if causal else 1) / took / 1e12,
        "unit": "TFLOP/s", "torch": torch.__version__,
        "device": torch.cuda.get_device_name()}), flush=True)


def main():
    if not torch.cuda.is_available():
        print("torch_attention: nothing was measured: torch finds no device",
              file=sys.stderr)
        sys.exit(NO_DEVICE)
    torch.manual_seed(1)
    for shape in SHAPES:
        for backend in BACKENDS:
            try:
                measure(*shape, backend)
            except RuntimeError as why:
                print(f"{shape[0]} {backend} left out: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
