"""Declares the one compiled module, `refnet._scoring`; everything else is in pyproject.toml.

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

# No compiler vectorises a sum over scattered rows, so OpenMP over rows is where speed comes from.
PARALLEL = ["-fopenmp"]

setup(
    ext_modules=cythonize(
        [
            Extension(
                "refnet._scoring",
                ["src/refnet/_scoring.pyx"],
                depends=sorted(str(p) for p in Path("src/refnet").glob("*.pxd")),
                # setuptools puts CFLAGS after its own flags and before these, hence EXACT wins.
                extra_compile_args=[*SPEED, *EXACT, *PARALLEL],
                extra_link_args=PARALLEL,
            )
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
