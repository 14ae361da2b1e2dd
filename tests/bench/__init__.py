"""Benchmarks: ratios against a reference measured in the same run, never pass or fail (`python -m tests.bench`)."""
