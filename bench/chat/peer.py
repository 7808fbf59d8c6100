#!/usr/bin/env python3
"""llama.cpp at the other end of a pipe: a line of standard input is a task,
the answer a line with the seconds it took. Needs numpy and llama_cpp.

    peer.py MODEL.gguf THREADS wall|cpu

    decode SEQUENCES PROMPT STEPS   the steps after the prompts
    prefill TOKENS                  a prompt, up to its last token's logits
    logits FILE IDS...              fp32 logits of each token of a prompt
"""

import ctypes
import sys
import time

import llama_cpp as ll
import numpy as np

CONTEXT, ROWS = 4096, 512


class Peer:
    def __init__(self, path, threads, clock):
        self.clock = clock
        self.log = ll.llama_log_callback(lambda level, text, data: None)
        ll.llama_log_set(self.log, ctypes.c_void_p(0))
        ll.llama_backend_init()
        model_options = ll.llama_model_default_params()
        model_options.n_gpu_layers = 0
        self.model = ll.llama_model_load_from_file(path.encode(), model_options)
        options = ll.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = CONTEXT, ROWS, ROWS
        options.n_seq_max = 4
        options.n_threads = options.n_threads_batch = threads
        self.context = ll.llama_init_from_model(self.model, options)
        vocabulary = ll.llama_model_get_vocab(self.model)
        self.width = ll.llama_vocab_n_tokens(vocabulary)
        self.batch = ll.llama_batch_init(ROWS, 0, 1)
        self.random = np.random.default_rng(1)

    def forget(self):
        ll.llama_memory_clear(ll.llama_get_memory(self.context), True)

    def decode(self, rows):
        """rows: (token, position, sequence, wants logits)"""
        self.batch.n_tokens = len(rows)
        for i, (token, position, sequence, wants) in enumerate(rows):
            self.batch.token[i] = token
            self.batch.pos[i] = position
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = sequence
            self.batch.logits[i] = wants
        if ll.llama_decode(self.context, self.batch) != 0:
            raise SystemExit("llama_decode failed")

    def row(self, i):
        pointer = ll.llama_get_logits_ith(self.context, i)
        return np.ctypeslib.as_array(pointer, (self.width,))

    def prompt(self, tokens):
        return self.random.integers(0, self.width, tokens).tolist()

    def run_decode(self, sequences, prompt, steps):
        self.forget()
        last = []
        for s in range(sequences):
            ids = self.prompt(prompt)
            self.decode([(t, i, s, i + 1 == prompt) for i, t in enumerate(ids)])
            last.append(int(self.row(prompt - 1).argmax()))
        begin = self.clock()
        for step in range(steps):
            self.decode([(t, prompt + step, s, True)
                         for s, t in enumerate(last)])
            last = [int(self.row(s).argmax()) for s in range(sequences)]
        return self.clock() - begin

    def run_prefill(self, tokens):
        self.forget()
        ids = self.prompt(tokens)
        begin = self.clock()
        self.decode([(t, i, 0, i + 1 == tokens) for i, t in enumerate(ids)])
        self.row(tokens - 1).argmax()
        return self.clock() - begin

    def write_logits(self, path, ids):
        self.forget()
        self.decode([(t, i, 0, True) for i, t in enumerate(ids)])
        np.stack([self.row(i) for i in range(len(ids))]).astype(
            np.float32).tofile(path)
        return 0.0


def main():
    peer = Peer(sys.argv[1], int(sys.argv[2]),
                time.process_time if sys.argv[3] == "cpu" else time.perf_counter)
    print("ready", flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        if what == "decode":
            seconds = peer.run_decode(*map(int, rest))
        elif what == "prefill":
            seconds = peer.run_prefill(int(rest[0]))
        else:
            seconds = peer.write_logits(rest[0], [int(x) for x in rest[1:]])
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
