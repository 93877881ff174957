"""The command `plumewatch`: one lazily imported file per verb, so that `--help` and small verbs start at once."""

import importlib
import inspect
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from services.runtime.errors import PlumewatchError

# Verb, module beside this one, and the line `plumewatch --help` shows. A module offers `run`, a function with Typer's
# annotations, or `app`, a Typer of its own sub-verbs.
VERBS = {
    "up": "Run the whole chain on this machine: broker, relay, ground station, satellites; score it at the end.",
    "satellite": "Stream one satellite's frames, emulated or replayed, to a relay or ground station.",
    "relay": "Carry frames across the modelled laser mesh, with its delays; keep the run clock.",
    "ground-station": "Detect, track and warn: frames in, alerts out over gRPC and MQTT.",
    "command-center": "Subscribe to alerts and archive them, without a screen.",
    "watch": "Show alerts in the terminal as they come.",
    "detect": "Find hot points in image files.",
    "track": "Turn looks (lines of sight) into tracks.",
    "route": "Print the path and delay from a satellite to a ground station.",
    "network": "Look at a running relay's network; fail and heal its parts.",
    "simulate": "Record a scenario's frames and truth to an MCAP file, without the network.",
    "preview": "Draw what a scenario's satellites see and a map, as PNG or GIF.",
    "score": "Score alerts against the truth.",
    "bench": "Measure speed beside numpy, OpenCV and the operating system's own clock.",
}


class VerbGroup(TyperGroup):
    """Imports a verb's module when the verb is called, not before."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the verbs in the order of the way of the data."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        """Return the verb's command, importing its file."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"services.cli.{cmd_name.replace('-', '_')}")
        verb = getattr(module, "app", None)
        if verb is None:
            verb = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            verb.command(name=cmd_name, help=help_of(module.__doc__ or VERBS[cmd_name]))(module.run)
        command = typer.main.get_command(verb)
        command.name = cmd_name
        return command  # type: ignore[return-value]

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """List the verbs without importing one."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def help_of(docstring: str) -> str:
    """Return a module's docstring as a verb's help, which the terminal wraps; indented examples keep their lines."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(each if "\n " in each else each.replace("\n", " ") for each in paragraphs)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"plumewatch {version('plumewatch')}")
        raise typer.Exit


app = typer.Typer(cls=VerbGroup, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def plumewatch(
    ctx: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Open testbed for space-based infrared early warning.

    `plumewatch VERB --help` explains each verb; `plumewatch up` shows everything at work.
    """
    del show_version  # _say_version has seen to it
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), err=True)
        raise typer.Exit(2)


def main() -> None:
    """Run the command and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 130 after Ctrl-C."""
    try:
        app()
    except PlumewatchError as error:
        print(f"plumewatch: {error}", file=sys.stderr)
        sys.exit(1)
