"""Mutants that change no number, by name, each with the reason: they need not be caught."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
