"""The file of a backup: format numbers of what is in it, its manifest."""

from pathlib import Path

import pytest

from ingest.backup_file import BackupError, number_of, read_manifest


def test_the_number_of_each_kind_of_file_is_read_from_its_first_bytes() -> None:
    assert number_of("ingest/archive/2026-01-01.cva", b"CVARCHIV\x02\0" + b"\0" * 6) == 2
    assert number_of("store.db", b"\0" * 60 + b"\0\0\0\x05") == 5
    assert number_of("places.csv", b"# cityvitals places 1\nvalid_from") == 1
    assert number_of("ingest/archive/removed.json", b'{"format":3,"upto":""}') == 3
    assert number_of("ingest.toml", b"[broker]\n") == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"format":0}', b'{"format":"1"}'])
def test_a_wrong_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(BackupError, match=r"manifest.json is damaged"):
        read_manifest(Path("b.tar"), body)
