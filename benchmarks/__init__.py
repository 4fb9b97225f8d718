"""Benchmarks: the numbers of the design, measured on the machine at hand."""
