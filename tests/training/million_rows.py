"""One epoch over 1,000,000 rows of 100 floats in a memory map; prints the peak of memory in bytes and the seconds."""

import os
import re
import sys
import time
from pathlib import Path

os.environ["LAMINA_BACKEND"] = sys.argv[2]

import numpy as np

import lamina

ROWS, COLUMNS = 1_000_000, 100
path = sys.argv[1]
if not os.path.exists(path):
    made = np.memmap(path, "float32", "w+", shape=(ROWS, COLUMNS))
    rng = np.random.default_rng(0)
    for start in range(0, ROWS, 50_000):
        made[start : start + 50_000] = rng.normal(size=(50_000, COLUMNS))
    made.flush()
    del made
x = np.memmap(path, "float32", "r", shape=(ROWS, COLUMNS))
y = np.zeros((ROWS, 1), "float32")
model = lamina.Sequential(
    [lamina.Input((COLUMNS,)), lamina.layers.Dense(32, activation="relu"), lamina.layers.Dense(1)]
)
model.compile("sgd", "mse")
began = time.perf_counter()
model.fit(x, y, batch_size=512, epochs=1, verbose=0)
took = time.perf_counter() - began
# not getrusage, whose peak on Linux includes that of the process which started this one
(peak,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
print(int(peak) * 1024, took)
