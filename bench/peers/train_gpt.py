"""Training steps of an 8.4 M-parameter Llama-kind GPT in PyTorch on the CPU, float32: python train_gpt.py [--compile] [--steps N]"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

from measure import median, report, times

VOCABULARY, WIDTH, LAYERS, HEADS, HIDDEN = 4096, 256, 6, 4, 1024
BATCH, TIME = 8, 256
HEAD = WIDTH // HEADS


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.RMSNorm(WIDTH, eps=1e-5), nn.RMSNorm(WIDTH, eps=1e-5)
        self.q, self.k, self.v, self.o = (linear(WIDTH, WIDTH) for _ in range(4))
        self.gate, self.up, self.down = linear(WIDTH, HIDDEN), linear(WIDTH, HIDDEN), linear(HIDDEN, WIDTH)

    def forward(self, x, cos, sin):
        h = self.attention_norm(x)
        q, k, v = (p(h).view(BATCH, TIME, HEADS, HEAD).transpose(1, 2) for p in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(BATCH, TIME, WIDTH))
        h = self.mlp_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-5)
        self.head = linear(WIDTH, VOCABULARY)
        angles = torch.outer(torch.arange(TIME).float(), 10000.0 ** (-torch.arange(0, HEAD, 2).float() / HEAD)).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        for p in self.parameters():
            if p.ndim == 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


arguments = argparse.ArgumentParser()
arguments.add_argument("--compile", action="store_true")
arguments.add_argument("--steps", type=int, default=10)
arguments.add_argument("--warm-up", type=int, default=3)
options = arguments.parse_args()

model = Gpt()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
loss_of = torch.compile(model) if options.compile else model
rows = torch.randint(VOCABULARY, (BATCH, TIME + 1))
tokens, targets = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def step():
    loss_of(tokens, targets).backward()
    optimizer.step()
    optimizer.zero_grad()


seconds = median(times(step, options.steps, options.warm_up))
report(tokensPerSecond=round(BATCH * TIME / seconds, 1), parameters=sum(p.numel() for p in model.parameters()))
