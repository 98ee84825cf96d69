"""Span corruption with a 9.4 M-parameter T5 v1.0 in Transformers on the CPU, float32: python train_t5.py [--steps N]"""

import torch
from transformers import T5Config, T5ForConditionalGeneration

from training_steps import time_steps

# Spans of 3 on average, 15 % of the text: a source of 128 tokens goes with a target of 29.
ROWS, SOURCE, TARGET, VOCABULARY = 16, 128, 29, 8192

model = T5ForConditionalGeneration(
    T5Config(
        vocab_size=VOCABULARY,
        d_model=256,
        d_kv=64,
        d_ff=1024,
        num_layers=4,
        num_heads=4,
        feed_forward_proj="relu",
        dropout_rate=0.0,
        decoder_start_token_id=0,
        use_cache=False,
    )
)
source = torch.randint(VOCABULARY, (ROWS, SOURCE))
target = torch.randint(VOCABULARY, (ROWS, TARGET))
time_steps(model, {"input_ids": source, "labels": target}, ROWS * (SOURCE + TARGET))
