"""Every number that was measured, in one table.

All on one machine: two cores of a Xeon with AVX-512 and VNNI, 24 GB, jax 0.10, in November 2026. Nothing was measured on
eight cores or more, so where cores count the choice is made for `FEW_CORES` only. `python -m benchmarks.tuning NAME`
measures a number's choice again: both arms side by side, on sizes below and above it. Each number is read when a program
is traced, so it can be set before.
"""

from __future__ import annotations

# -- convolutions (forms.py, windows.py) -----------------------------------------------------------------------------------

# Bytes of patches of a part of the batch, which are made in parts when they take more than twice as much. Smaller parts
# are slower: each waits for the one before, and their results are copied together.
# python -m benchmarks.tuning chunks
CHUNK_BYTES = 64 << 20

# Sum the rows of the kernel afterwards when that copies at most this share of what whole patches copy, and computes at
# most so much more in the padding. From 0.44 to 1.13 of the time, 0.84 in the middle, on eight convolutions.
# python -m benchmarks.tuning split
SPLIT_COPIES, SPLIT_EXTRA = 0.75, 0.15

# As many slices XLA joins in one pass; more of them it copies first, and joins the copies in a second. A gather takes half
# as long then, from so many bytes on.
# python -m benchmarks.tuning patches
JOINED, GATHER_BYTES = 7, 16 << 20

# Windows up to which a prediction's convolution is a product of patches: at 7 x 7 positions of 512 channels 0.73 of the
# time of XLA's own, at 14 x 14 of 256 as long. With a window of one position it always is: 0.69 to 0.97 on seven of a
# ResNet's convolutions, 0.80 of its prediction of one image.
# python -m benchmarks.tuning forward
FEW_WINDOWS = 64

# -- products (products.py) ------------------------------------------------------------------------------------------------

# Multiplications per element laid out anew, from which the faster product `x^T g` pays for the copy; and the elements of
# a copy that leaves the cache.
# python -m benchmarks.tuning transpose
COPY_WORTH, COPY_MOST = 90, 1 << 20

# -- recurrent layers (../fused.py) ----------------------------------------------------------------------------------------

# Rows, and elements of (steps, rows, columns), from which a prediction projects the input in each turn instead of all of it
# ahead, beside other load: an LSTM of 64 units on (256, 80, 32) takes 0.47 of the time, with 256 units on (128, 80, 256) 0.68;
# with 64 rows 0.89, with 32 rows of the smaller one 1.04.
# python -m benchmarks.tuning recurrent
IN_TURN_ROWS, IN_TURN_ELEMENTS = 64, 1 << 20

# -- indexing (../shaping.py) ------------------------------------------------------------------------------------------------

# Elements along an axis up to which one of them is taken by a masked sum, not by a gather.
# python -m benchmarks.tuning take
TAKE_MOST = 128

# -- how a program runs (plan.py, clients.py) ----------------------------------------------------------------------------

# Cores up to which XLA is asked to run operations one after the other, and to leave products to Eigen: 4 to 9 % of a
# convnet's and a ResNet's step on two cores; a transformer's is 1 to 3 % slower.
# python -m benchmarks.tuning turns
FEW_CORES = 4

# Products that Eigen makes in less time than YNN, if most of a step's work is in those. With rows below EIGEN_FEW_ROWS and
# at most EIGEN_COLUMNS columns YNN uses one core: 0.83 to 0.96 of its time there and 0.91 to 1.18 elsewhere, on 25 dense
# networks. From EIGEN_ROWS on, as convolutions have: a ResNet's step 0.84 to 0.94. Smaller products than EIGEN_WORK
# multiplications are YNN's nevertheless, and steps with a recurrence (a GRU of 256 units: 1.5).
# python -m benchmarks.tuning eigen
EIGEN_ROWS, EIGEN_FEW_ROWS, EIGEN_COLUMNS, EIGEN_WORK = 4096, 256, 256, 1 << 20

# The work of steps that gain on one core (multiplications), and what an element of a result counts for. One core over
# two, on 14 dense networks: here 0.64 to 0.97; below, XLA shares nothing; at twice as much 0.94 to 1.07, beyond 1.03 to 1.29.
# python -m benchmarks.tuning threads
SMALL_LEAST, SMALL_MOST, ELEMENT_WORK = 1.5e6, 20e6, 4
