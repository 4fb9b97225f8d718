"""The door to grafana-client: what Grafana says becomes one kind of error, without the token."""

import sys

import pytest
import urllib3

from dashboards.grafana_api import Grafana, GrafanaError
from edge.settings import SettingsError
from tests.grafana_double import TOKEN, GrafanaDouble


def test_what_there_is_not_is_none_and_what_fails_is_told() -> None:
    double = GrafanaDouble()
    try:
        server = Grafana(f"{double.url}/", TOKEN)
        assert server.board("cv-nothing") is None
        assert server.rules() == []
        double.fail = (500, {"message": "database is locked"})
        with pytest.raises(GrafanaError, match=r"answers 500.*database is locked"):
            server.folder("cv-folder")
        double.fail = None
        with pytest.raises(GrafanaError, match="answers 401") as caught:
            Grafana(double.url, "glsa_wrong").folder("cv-folder")
        assert "glsa_wrong" not in str(caught.value)
    finally:
        double.close()
    with pytest.raises(GrafanaError, match="ConnectionError"):
        server.folder("cv-folder")


@pytest.mark.parametrize("url", ["grafana:3000", "ftp://grafana", "http://me:pw@grafana:3000"])
def test_an_address_that_cannot_be(url: str) -> None:
    with pytest.raises(SettingsError, match="must be http://") as caught:
        Grafana(url, TOKEN)
    assert "pw" not in str(caught.value)


def test_without_the_extra_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grafana_client", None)
    with pytest.raises(SettingsError, match=r"pip install .* '\.\[grafana\]'"):
        Grafana("http://grafana:3000", TOKEN)


def test_urllib3_is_still_itself() -> None:
    """A later grafana-client puts a fork in its place, with versions above 2.10."""
    assert urllib3.__version__ == "2.8.0"
