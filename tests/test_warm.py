"""The kernels are compiled by importing every module of engine and ingest."""

from cityvitals.warm import compile_kernels


def test_every_module_is_imported() -> None:
    names = compile_kernels()
    assert "engine.panes" in names
    assert "ingest.store" in names
