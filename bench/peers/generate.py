"""Prefill and greedy decoding of a 110 M-parameter Llama-kind decoder in Transformers on the CPU, float32, random weights:
python generate.py [--batch N] [--prompt N] [--tokens N]"""

import argparse
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from measure import median, report, times

arguments = argparse.ArgumentParser()
arguments.add_argument("--batch", type=int, default=1)
arguments.add_argument("--prompt", type=int, default=256)
arguments.add_argument("--tokens", type=int, default=128)
options = arguments.parse_args()

config = LlamaConfig(
    vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
    max_position_embeddings=8192, tie_word_embeddings=True,
)
model = LlamaForCausalLM(config).eval()
prompt = torch.randint(config.vocab_size, (options.batch, options.prompt))


@torch.inference_mode()
def prefill():
    return model(prompt, use_cache=True, logits_to_keep=1)


@torch.inference_mode()
def decode():
    """The seconds of each token after the first one. A plain loop: faster than model.generate(), which does more around it."""
    output, seconds = prefill(), []
    for _ in range(options.tokens - 1):
        start = time.perf_counter()
        best = output.logits[:, -1].argmax(-1, keepdim=True)
        output = model(best, past_key_values=output.past_key_values, use_cache=True)
        seconds.append(time.perf_counter() - start)
    return seconds


prefill_seconds = median(times(prefill, 3, 1))
report(
    prefillTokensPerSecond=round(options.batch * options.prompt / prefill_seconds, 1),
    decodeTokensPerSecond=round(options.batch / median(decode()), 2),
    parameters=model.num_parameters(),
)
