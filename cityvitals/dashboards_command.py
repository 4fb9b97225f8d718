"""`cityvitals dashboards list | export | lint | publish`: Grafana's boards and alert rules."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dashboards import PAGE_URL
from edge.settings import SettingsError

PageOption = Annotated[str, typer.Option(
    "--page-url", metavar="URL", help="Where people reach the built-in page, for links.")]
ZoneOption = Annotated[str, typer.Option(
    "--tz", metavar="ZONE", help="The city's zone, such as Europe/Berlin; or `browser`.")]
InfluxOption = Annotated[str, typer.Option(
    "--influx-url", metavar="URL", help="InfluxDB as Grafana reaches it.")]
VersionOption = Annotated[int, typer.Option(
    "--influx-version", metavar="1|2|3", help="Its version: 1 asks by user, 2 and 3 by token.")]
BucketOption = Annotated[str, typer.Option(
    "--bucket", metavar="NAME", help="Bucket, or database.")]
UserOption = Annotated[str, typer.Option(
    "--influx-user", metavar="NAME", help="User of InfluxDB 1.")]
INFLUX_URL, BUCKET, USER = "http://127.0.0.1:8086", "cityvitals", "grafana"


def listing() -> None:
    """List the dashboards and alert rules."""
    from dashboards.grafana_alerts import rules
    from dashboards.grafana_board import Site
    from dashboards.grafana_boards import boards, panels

    for board in boards(Site()):
        print(f"{board['uid']:12} {board['title']}: {len(panels(board))} panels")
    for rule in rules(Site()):
        print(f"{rule['uid']:28} alert: {rule['title']}, after {rule['for']}")


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Grafana's provisioning folder.")],
    page_url: PageOption = PAGE_URL,
    tz: ZoneOption = "browser",
    influx_url: InfluxOption = INFLUX_URL,
    influx_version: VersionOption = 2,
    bucket: BucketOption = BUCKET,
    influx_user: UserOption = USER,
    path: Annotated[str, typer.Option(
        metavar="DIR", help="Where Grafana finds DIR/cityvitals; by default as in /etc.")] = "",
) -> None:
    """Write what Grafana reads at its start: data source, dashboards, alert rules.

    Secrets stay names: Grafana takes them from its environment, INFLUX_TOKEN (2 and 3) or
    INFLUX_PASSWORD (1).
    """
    from dashboards import grafana_files as files
    from dashboards.grafana_board import Site

    try:
        for one in files.export(
            folder, Site(page_url, tz),
            files.source(influx_version, influx_url, bucket, influx_user),
            path or files.DASHBOARDS_PATH,
        ):
            print(one)
    except OSError as error:
        raise SettingsError(f"{error.filename or folder}: {error.strerror}") from None


def lint() -> None:
    """Check the dashboards against our own rules; exit status 1 if one is broken."""
    from dashboards.grafana_board import Site
    from dashboards.grafana_boards import boards
    from dashboards.grafana_lint import lint as check
    from dashboards.grafana_lint_alerts import lint_rules

    faults = check(boards(Site())) + lint_rules(Site())
    for fault in faults:
        print(fault)
    raise typer.Exit(1 if faults else 0)


def publish(
    url: Annotated[str, typer.Argument(metavar="URL", help="Grafana, http://host:3000")],
    token_env: Annotated[str, typer.Option(
        metavar="NAME", help="Environment variable with the service account's token.")] = "",
    token_file: Annotated[str, typer.Option(metavar="FILE", help="File with it.")] = "",
    page_url: PageOption = PAGE_URL,
    tz: ZoneOption = "browser",
    influx_url: InfluxOption = INFLUX_URL,
    influx_version: Annotated[int, typer.Option(
        "--influx-version", metavar="1|2|3", show_default="what --influx-url answers",
        help="Its version: 1 asks by user, 2 and 3 by token.")] = 0,
    bucket: BucketOption = BUCKET,
    influx_user: UserOption = USER,
    secret_env: Annotated[str, typer.Option(
        metavar="NAME", help="Environment variable with InfluxDB's token or password.")] = "",
) -> None:
    """Bring a running Grafana up to date: folder, data source, dashboards, alert rules.

    A second run changes nothing and says so; a secret that is named is sent each time. Nothing
    that is not ours (uid `cv-…`) is touched.
    """
    from dashboards import grafana_files as files
    from dashboards.grafana_api import Grafana, GrafanaError
    from dashboards.grafana_board import Site
    from dashboards.grafana_publish import publish as bring
    from dashboards.influx_version import ask
    from dashboards.page_program import secret

    token = secret(token_env, token_file, "token")
    if token is None:
        raise SettingsError("publishing needs a token: name it with --token-env or --token-file")
    source = files.source(influx_version or ask(influx_url), influx_url, bucket, influx_user)
    if secret_env:
        value = os.environ.get(secret_env)
        if not value:
            raise SettingsError(f"--secret-env = {secret_env!r}: no such environment variable")
        source["secureJsonData"] = {
            name: text.replace("$INFLUX_TOKEN", value).replace("$INFLUX_PASSWORD", value)
            for name, text in source["secureJsonData"].items()
        }
    else:
        del source["secureJsonData"]
    try:
        said = list(bring(Grafana(url, token), Site(page_url, tz), source))
    except GrafanaError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print("\n".join(said) if said else "nothing to change")
