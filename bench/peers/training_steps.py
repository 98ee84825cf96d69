"""Times training steps of one batch of a Transformers model, the whole of a step: loss, gradients and optimiser."""

import argparse

import torch

from measure import median, report, times


def time_steps(model, batch, tokens):
    """Takes steps over the same batch, as many as the command line says, and reports `tokens` of a batch over the median step."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--steps", type=int, default=10)
    arguments.add_argument("--warm-up", type=int, default=3)
    options = arguments.parse_args()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def step():
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds = median(times(step, options.steps, options.warm_up))
    report(tokensPerSecond=round(tokens / seconds, 1), parameters=sum(p.numel() for p in model.parameters()))
