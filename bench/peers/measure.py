"""What every peer's script shares: threads, times, peak memory, and the one line of JSON that the benchmark reads."""

import json
import os
import re
import resource
import statistics
import sys
import time

import torch

torch.set_num_threads(os.cpu_count())
torch.manual_seed(0)


def times(step, count, warm_up):
    """Seconds of each of `count` calls of `step`, after `warm_up` calls that do not count."""
    seconds = []
    for call in range(warm_up + count):
        start = time.perf_counter()
        step()
        if call >= warm_up:
            seconds.append(time.perf_counter() - start)
    return seconds


def peak_memory_mib():
    """The most memory this process had resident at once. Linux's own mark is preferred: rusage counts the parent's before exec too."""
    try:
        with open("/proc/self/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def report(**measured):
    print(json.dumps({**measured, "peakMemoryMiB": round(peak_memory_mib(), 1)}))


median = statistics.median
