"""The table `[influx]` of the configuration of ingest; apart from the sink, whose client is
slow to import."""

from edge.settings import Section


class InfluxSettings(Section):
    """Table `[influx]`. Secrets are named, never written: an environment variable or a file."""

    url: str = "http://127.0.0.1:8086"
    bucket: str = "cityvitals"
    org: str = ""
    user: str = ""
    password_env: str = ""
    token_env: str = ""
    token_file: str = ""
    timeout_s: float = 10.0
