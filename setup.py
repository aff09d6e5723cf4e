"""Declares what is compiled: the kernel, and the log's loops over bytes. The rest: pyproject.toml.

CC and CFLAGS choose another compiler. REFNET_DEBUG_KERNEL=1 builds with bounds checks.
"""

from __future__ import annotations

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("REFNET_DEBUG_KERNEL") == "1"

# Bits are a contract: a fused multiply-add or a reordered sum changes scores, so contraction is off
# and neither -ffast-math nor -march=native may ever stand here.
EXACT = ["-fno-fast-math", "-ffp-contract=off"]

# CFLAGS may ask for another level: the bits are the same at any.
SPEED = [] if "-O" in os.environ.get("CFLAGS", "") else ["-O3"]

# No compiler vectorises a sum over scattered rows, so OpenMP over rows, and over blocks of them, is
# where speed comes from.
PARALLEL = ["-fopenmp"]


def extension(name: str, *more: str) -> Extension:
    """A compiled module; setuptools puts CFLAGS before these flags, hence EXACT wins."""
    source = Path("src", *name.split("."))
    return Extension(
        name,
        [f"{source}.pyx"],
        depends=sorted(str(each) for each in source.parent.glob("*.pxd")),
        extra_compile_args=[*SPEED, *EXACT, *more],
        extra_link_args=[*more],
    )


setup(
    ext_modules=cythonize(
        [
            extension("refnet.log._stored"),
            extension("refnet._scoring", *PARALLEL),
            extension("refnet._paths", *PARALLEL),
            extension("refnet._ties", *PARALLEL),
        ],
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": DEBUG,
            "initializedcheck": DEBUG,
            "cdivision": True,
        },
        force=DEBUG,
    )
)
