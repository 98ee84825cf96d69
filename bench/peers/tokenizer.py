"""BPE training and encoding with Hugging Face tokenizers, on all cores as they come: trains on a JSON Lines file as it is read, with
the pre-tokenizer of slovo's tokenizer, then encodes it in batches, with the tokenizers of FOLDER, too:
python tokenizer.py CORPUS.jsonl VOCABULARY SLOVO.json MADE.json FOLDER"""

import itertools
import json
import re
import sys
import time

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

corpus, vocabulary, slovo, made, folder = sys.argv[1:]


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


def encode_all(tokenizer):
    """Megabytes, tokens and seconds of the corpus; reading it is not counted."""
    size, count, seconds = 0, 0, 0.0
    documents = texts()
    while batch := list(itertools.islice(documents, 1000)):
        size += sum(len(text.encode()) for text in batch)
        start = time.perf_counter()
        count += sum(len(encoding.ids) for encoding in tokenizer.encode_batch(batch, add_special_tokens=False))
        seconds += time.perf_counter() - start
    return size / 1e6, count, seconds


megabytes, tokens, seconds = encode_all(tokenizer)
_, wordpiece_tokens, wordpiece_seconds = encode_all(Tokenizer.from_file(f"{folder}/wordpiece/tokenizer.json"))
_, unigram_tokens, unigram_seconds = encode_all(Tokenizer.from_file(f"{folder}/unigram/tokenizer.json"))
print(
    json.dumps(
        {
            "trainMBPerSecond": megabytes / train_seconds,
            "encodeMBPerSecond": megabytes / seconds,
            "wordpieceMBPerSecond": megabytes / wordpiece_seconds,
            "unigramMBPerSecond": megabytes / unigram_seconds,
            "megabytes": megabytes,
            "tokens": tokens,
            "wordpieceTokens": wordpiece_tokens,
            "unigramTokens": unigram_tokens,
            "trainPeakMemoryMiB": round(train_peak, 1),
            "peakMemoryMiB": round(peak_memory_mib(), 1),
        }
    )
)
