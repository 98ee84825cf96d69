"""Masked language modelling with an 8.5 M-parameter BERT in Transformers on the CPU, float32: python train_bert.py [--steps N]"""

import torch
from transformers import BertConfig, BertForMaskedLM

from training_steps import time_steps

ROWS, LENGTH, VOCABULARY = 16, 128, 8192

model = BertForMaskedLM(
    BertConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=LENGTH,
        hidden_size=256,
        num_hidden_layers=8,
        num_attention_heads=4,
        intermediate_size=1024,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
)
tokens = torch.randint(VOCABULARY, (ROWS, LENGTH))
labels = torch.where(torch.rand(ROWS, LENGTH) < 0.15, tokens, -100)
time_steps(model, {"input_ids": tokens, "labels": labels}, ROWS * LENGTH)
