"""BPE training and encoding with Hugging Face tokenizers, on all cores as they come: trains on a JSON Lines file as it is read, with
the pre-tokenizer of slovo's tokenizer, then encodes it in batches: python tokenizer.py CORPUS.jsonl VOCABULARY SLOVO.json MADE.json"""

import itertools
import json
import re
import sys
import time

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

corpus, vocabulary, slovo, made = sys.argv[1:]


def peak_memory_mib():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


def texts():
    with open(corpus, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


with open(slovo, encoding="utf-8") as file:
    pattern = json.load(file)["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=int(vocabulary),
    special_tokens=["<|endoftext|>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)

start = time.perf_counter()
tokenizer.train_from_iterator(texts(), trainer)
train_seconds = time.perf_counter() - start
train_peak = peak_memory_mib()
tokenizer.save(made)

size, count, encode_seconds = 0, 0, 0.0
documents = texts()
while batch := list(itertools.islice(documents, 1000)):
    size += sum(len(text.encode()) for text in batch)
    start = time.perf_counter()
    count += sum(len(encoding.ids) for encoding in tokenizer.encode_batch(batch))
    encode_seconds += time.perf_counter() - start
print(
    json.dumps(
        {
            "trainMBPerSecond": size / 1e6 / train_seconds,
            "encodeMBPerSecond": size / 1e6 / encode_seconds,
            "megabytes": size / 1e6,
            "tokens": count,
            "trainPeakMemoryMiB": round(train_peak, 1),
            "peakMemoryMiB": round(peak_memory_mib(), 1),
        }
    )
)
