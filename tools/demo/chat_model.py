"""A Qwen2 for training on a CPU: the names and shapes of Hugging Face's, the
fewest tokens. All rows of a batch share what stands before the first message,
so that long beginning is computed once, and not once a row.
"""

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn


EMBEDDINGS = 0.07  # About hidden ** -0.5: the first logits are about 1.
ALIKE = 0.7  # Of a first embedding: what it has in common with those alike.


@dataclasses.dataclass(frozen=True)
class Sizes:
    vocabulary: int = 2048
    hidden: int = 192
    intermediate: int = 384
    layers: int = 4
    heads: int = 3
    positions: int = 2048
    rope_theta: float = 100000.0
    rms_norm_eps: float = 1e-6

    @property
    def head_dim(self):
        return self.hidden // self.heads


class Norm(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(s.hidden))
        self.eps = s.rms_norm_eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


@dataclasses.dataclass
class Batch:
    """`before` [P] is shared; `rows` [B, T] begin after it, `gap` positions
    on; `counts` [B, T]: of those above 0 the next token is to be told."""
    before: torch.Tensor
    rows: torch.Tensor
    counts: torch.Tensor
    gap: int = 0
    form: str = ""  # Of the answers, to tell of.


def rotated(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return torch.addcmul(x * cos, turned, sin)


def together(x, *parts):
    """What several linear layers give, from one product."""
    bias = None
    if parts[0].bias is not None:
        bias = torch.cat([part.bias for part in parts])
    return F.linear(x, torch.cat([part.weight for part in parts]), bias)


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        for name in ("q_proj", "k_proj", "v_proj"):
            setattr(self, name, nn.Linear(s.hidden, s.hidden))
        self.o_proj = nn.Linear(s.hidden, s.hidden, bias=False)

    def forward(self, x, places):
        """x [P + B * T, hidden]"""
        s, (p, b, t) = self.s, places.shape
        # In fp32 from here: attention over bf16 is the slower one on a CPU.
        qkv = together(x, self.q_proj, self.k_proj, self.v_proj).float().view(
            -1, 3 * s.heads, s.head_dim)
        qk = rotated(qkv[:, :2 * s.heads], places.cos, places.sin)
        q, k, v = qk[:, :s.heads], qk[:, s.heads:], qkv[:, 2 * s.heads:]

        def split(y):
            before = y[:p].transpose(0, 1).unsqueeze(0)
            rows = y[p:].view(b, t, s.heads, s.head_dim).transpose(1, 2)
            return before, rows

        (q0, q1), (k0, k1), (v0, v1) = split(q), split(k), split(v)
        shape = (b, s.heads, p, s.head_dim)
        with torch.autocast("cpu", enabled=False):
            first = F.scaled_dot_product_attention(q0, k0, v0, is_causal=True)
            others = F.scaled_dot_product_attention(
                q1, torch.cat((k0.expand(shape), k1), 2),
                torch.cat((v0.expand(shape), v1), 2), attn_mask=places.mask)
        return self.o_proj(torch.cat((
            first[0].transpose(0, 1).reshape(p, s.hidden),
            others.transpose(1, 2).reshape(b * t, s.hidden))))


class Mlp(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden, s.intermediate, bias=False)
        self.up_proj = nn.Linear(s.hidden, s.intermediate, bias=False)
        self.down_proj = nn.Linear(s.intermediate, s.hidden, bias=False)

    def forward(self, x):
        gate, up = together(x, self.gate_proj, self.up_proj).chunk(2, -1)
        return self.down_proj(F.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.input_layernorm = Norm(s)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = Norm(s)
        self.mlp = Mlp(s)

    def forward(self, x, places):
        x = x + self.self_attn(self.input_layernorm(x), places)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.embed_tokens = nn.Embedding(s.vocabulary, s.hidden)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.norm = Norm(s)


@dataclasses.dataclass
class Places:
    """What all layers use: angles of the positions, and who sees whom."""
    shape: tuple  # P, B, T
    cos: torch.Tensor
    sin: torch.Tensor
    mask: torch.Tensor  # [T, P + T], 0 or -inf.


class ChatModel(nn.Module):
    def __init__(self, sizes, seed, alike=None):
        """`alike` [vocabulary]: tokens that differ in the space before them or
        in a capital only have one number; none where it is None."""
        super().__init__()
        self.sizes = sizes
        self.model = Body(sizes)
        self.lm_head = nn.Linear(sizes.hidden, sizes.vocabulary, bias=False)
        self.begin(torch.Generator().manual_seed(seed), alike)
        half = sizes.head_dim // 2
        steps = torch.arange(half, dtype=torch.float32) / half
        angles = torch.outer(torch.arange(sizes.positions).float(),
                             sizes.rope_theta ** -steps)
        self.cos = angles.cos().repeat(1, 2).unsqueeze(1)
        self.sin = angles.sin().repeat(1, 2).unsqueeze(1)

    @torch.no_grad()
    def begin(self, generator, alike):
        """At first the stream holds the tokens as they are: what the layers
        add to it is next to nothing, but for begin_copying()."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif "embed" in name:
                parameter.normal_(0, EMBEDDINGS, generator=generator)
                if alike is not None:
                    parameter.copy_(parameter * (1 - ALIKE) ** 0.5 +
                                    parameter[alike] * ALIKE ** 0.5)
                    parameter.mul_(EMBEDDINGS / parameter.std(1, keepdim=True))
            elif name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.normal_(0, 0.004, generator=generator)
            elif "norm" not in name:
                parameter.normal_(0, 0.05, generator=generator)
        self.begin_copying(generator)

    def begin_copying(self, generator):
        """Three heads begin as the circuit that copies: one of the first layer
        tells each token which one stood before it, two of the second look for
        where the token at hand stood before and say what followed there. Left
        to itself, training does not find that in the minutes it has here.
        """
        s, d = self.sizes, self.sizes.head_dim
        first, second = (self.model.layers[i].self_attn for i in (0, 1))

        def directions(count):
            return torch.linalg.qr(torch.randn(
                s.hidden, count, generator=generator))[0].T

        token, place, said = map(directions, (d, d, 2 * d))
        # The head speaks of the same tokens as the embedding, turned, so that
        # a token does not call for itself.
        turn = directions(s.hidden)
        self.lm_head.weight.copy_(self.model.embed_tokens.weight @ turn)
        for proj in (first.q_proj, first.k_proj):
            proj.weight[:d] = 0
        # Of turning pairs (f, f + d / 2): the quick ones tell places apart.
        angle = s.rope_theta ** -(torch.arange(8) / (d // 2))
        first.k_proj.bias[:8] = 8
        first.q_proj.bias[:8] = 8 * angle.cos()
        first.q_proj.bias[d // 2:d // 2 + 8] = -8 * angle.sin()
        first.v_proj.weight[:d] = token
        first.o_proj.weight[:, :d] = 0.15 * place.T
        # The slow ones hardly turn on the way: for what is said.
        slow = torch.tensor([i for i in range(d) if i % (d // 2) >= d // 4])
        for i in range(2):
            part = slice(i * d // 2, (i + 1) * d // 2)
            head = slice(i * d, (i + 1) * d)
            second.q_proj.weight[head] = 0
            second.k_proj.weight[head] = 0
            second.q_proj.weight[i * d + slow] = 1.7 * token[part]
            second.k_proj.weight[i * d + slow] = 1.7 * place[part]
            second.v_proj.weight[head] = said[head]
            second.o_proj.weight[:, head] = 0.3 * (said[head] @ turn).T

    def places(self, batch):
        p, (b, t) = len(batch.before), batch.rows.shape
        at = torch.arange(p, p + t) + batch.gap
        positions = torch.cat((torch.arange(p), at.repeat(b)))
        own = torch.full((t, t), float("-inf")).triu(1)
        mask = torch.cat((torch.zeros(t, p), own), 1)
        return Places((p, b, t), self.cos[positions], self.sin[positions],
                      mask)

    def forward(self, batch):
        """Logits [wanted, vocabulary]."""
        places = self.places(batch)
        body = self.model
        x = body.embed_tokens(
            torch.cat((batch.before, batch.rows.reshape(-1))))
        for layer in body.layers:
            x = layer(x, places)
        wanted = x[len(batch.before):][batch.counts.reshape(-1) > 0]
        return self.lm_head(body.norm(wanted))
