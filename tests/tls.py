"""A certificate authority of a test, made with the openssl command."""

import shutil
import subprocess
from pathlib import Path

import pytest


def authority(folder: Path, name: str) -> Path:
    """Make a CA; returns its certificate, the key lies beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"), "-days", "2",
        "-subj", f"/CN={name}",
    )
    return folder / "ca.pem"


def certificate(folder: Path, alternative: str) -> tuple[Path, Path]:
    """A server's certificate and key, signed by the CA in `folder`, valid for `alternative`."""
    (folder / "names").write_text(f"subjectAltName={alternative}\n")
    _openssl(
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(folder / "server.key"), "-out", str(folder / "server.csr"),
        "-subj", "/CN=broker",
    )
    _openssl(
        "x509", "-req", "-in", str(folder / "server.csr"), "-CA", str(folder / "ca.pem"),
        "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "2",
        "-out", str(folder / "server.pem"), "-extfile", str(folder / "names"),
    )
    return folder / "server.pem", folder / "server.key"


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
