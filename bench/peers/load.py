"""Opens a causal language model with Transformers, in float32 on the CPU, and predicts the token after the first: python load.py FOLDER"""

import sys
import time

import torch
from transformers import AutoModelForCausalLM
from transformers.models.llama import LlamaForCausalLM  # loaded before the clock starts, as slovo's modules are

from measure import report

start = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
with torch.inference_mode():
    model(torch.tensor([[1]]), use_cache=True)
report(seconds=time.perf_counter() - start)
