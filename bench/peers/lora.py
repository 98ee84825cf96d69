"""Training steps of a LoRA adapter over a frozen model folder with PEFT on the CPU, float32:
python lora.py FOLDER --rows N --length N --rank N [--steps N] [--compile]"""

import argparse

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from measure import median, report, times

arguments = argparse.ArgumentParser()
arguments.add_argument("folder")
arguments.add_argument("--rows", type=int, required=True)
arguments.add_argument("--length", type=int, required=True)
arguments.add_argument("--rank", type=int, required=True)
arguments.add_argument("--steps", type=int, default=5)
arguments.add_argument("--warm-up", type=int, default=2)
arguments.add_argument("--compile", action="store_true")
options = arguments.parse_args()

base = AutoModelForCausalLM.from_pretrained(options.folder, dtype=torch.float32)
base.config.use_cache = False  # a cache of keys and values is for generation
model = get_peft_model(base, LoraConfig(r=options.rank, lora_alpha=2 * options.rank, target_modules=["q_proj", "v_proj"]))
model.train()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-3, fused=True)
loss_of = torch.compile(model) if options.compile else model
count = options.rows * options.length
tokens = (torch.arange(count) * 7919 % base.config.vocab_size).view(options.rows, options.length)
losses = []


def step():
    loss = loss_of(input_ids=tokens, labels=tokens).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())


seconds = median(times(step, options.steps, options.warm_up))
report(
    tokensPerSecond=round(count / seconds, 1),
    parameters=sum(p.numel() for p in trained),
    firstLoss=losses[0],
)
