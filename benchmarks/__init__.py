"""Benchmarks: every one is a ratio, measured in one run against a named peer or floor."""
