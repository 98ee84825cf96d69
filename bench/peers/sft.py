"""Supervised fine-tuning with TRL's SFTTrainer on the CPU, float32, the same conversations in each step as slovo's: python sft.py FOLDER METHOD"""

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from datasets import Dataset
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from measure import report

WARM_UP = 3  # steps that do not count in the speed; the same in slovo/sft.ts

folder, method = sys.argv[1:]
with open(f"{folder}/{method}.json") as file:
    plan = json.load(file)
recipe, rates, batches = plan["recipe"], plan["rates"], plan["batches"]


def rows(name):
    with open(f"{folder}/{name}.jsonl") as lines:
        return Dataset.from_list([json.loads(line) for line in lines])


# Conversations of about equal lengths share a batch, so that little is padded; TRL makes their mean that of all tokens of a step.
parts = min(4, min(len(batch) for batch in batches))


class InOrder(SFTTrainer):
    """Takes conversations and learning rates as the plan has them: Transformers' own warm-up begins with a step at rate zero."""

    def get_train_dataloader(self):
        length = [len(tokens) for tokens in self.train_dataset["input_ids"]]
        order = [part.tolist() for batch in batches for part in np.array_split(sorted(batch, key=lambda i: length[i]), parts)]
        return DataLoader(self.train_dataset, batch_sampler=order, collate_fn=self.data_collator)

    def create_scheduler(self, num_training_steps, optimizer=None):
        share = lambda step: rates[min(step, len(rates) - 1)] / recipe["learningRate"]
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler


class Clock(TrainerCallback):
    seconds = []

    def on_step_begin(self, *_, **__):
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.start)


model = AutoModelForCausalLM.from_pretrained(f"{folder}/base", dtype=torch.float32)
if "adapter" in plan:
    model = PeftModel.from_pretrained(model, plan["adapter"], is_trainable=True)
config = SFTConfig(
    output_dir=f"{folder}/trl-{method}",
    max_steps=len(batches),
    gradient_accumulation_steps=parts,
    learning_rate=recipe["learningRate"],
    adam_beta1=recipe["beta1"],
    adam_beta2=recipe["beta2"],
    weight_decay=recipe["weightDecay"],
    max_grad_norm=recipe["clip"],
    seed=recipe["seed"],
    assistant_only_loss=True,
    packing=False,
    max_length=None,
    gradient_checkpointing=False,
    use_cpu=True,
    bf16=False,
    logging_steps=1,
    report_to="none",
    save_strategy="no",
    eval_strategy="no",
    disable_tqdm=True,
)
clock = Clock()
trainer = InOrder(
    model=model,
    args=config,
    train_dataset=rows("train"),
    eval_dataset=rows("validation"),
    processing_class=AutoTokenizer.from_pretrained(f"{folder}/base"),
    callbacks=[clock],
)
trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
assert len(losses) == len(batches)

# The mean over all tokens; `trainer.evaluate` means over batches.
nats = counted = 0
trainer.model.eval()
with torch.no_grad():
    for batch in trainer.get_eval_dataloader():
        count = (batch["labels"][:, 1:] != -100).sum().item()
        nats += trainer.model(**batch).loss.item() * count
        counted += count

print()
report(
    tokensPerSecond=round(sum(plan["tokens"][WARM_UP:]) / sum(clock.seconds[WARM_UP:])),
    loss=sum(losses) / len(losses),
    heldOutLoss=nats / counted,
)
