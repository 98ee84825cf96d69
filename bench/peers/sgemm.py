"""The best rate of a float32 matrix product of N x N in PyTorch on the CPU: python sgemm.py [--size N]"""

import argparse

import torch

from measure import report, times

arguments = argparse.ArgumentParser()
arguments.add_argument("--size", type=int, default=2048)
size = arguments.parse_args().size

a, b, product = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)
report(gflops=round(2 * size**3 / min(times(lambda: torch.mm(a, b, out=product), 20, 3)) / 1e9, 1))
