"""The table `[influx]`: light to import, and without a secret of its own."""

import subprocess
import sys

from ingest.settings_influx import InfluxSettings


def test_it_can_be_read_without_the_client() -> None:
    code = "import sys, ingest.program; sys.exit('influxdb_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_secrets_are_named_not_written() -> None:
    fields = InfluxSettings.__struct_fields__
    assert not {"password", "token"} & set(fields)
    assert {"password_env", "token_env", "token_file"} <= set(fields)
