"""The command `plumewatch`: one lazily imported file per verb, so that `--help` and small verbs start at once."""

import importlib
import sys

import click
import typer

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
    "preview": "Draw what a scenario's satellites see, as PNG.",
    "score": "Score alerts against the truth.",
    "bench": "Measure speed beside numpy, OpenCV and the operating system's own clock.",
}


class VerbGroup(click.Group):
    """Imports a verb's module when the verb is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the way of the data."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb's command, importing its file."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"services.cli.{cmd_name.replace('-', '_')}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False)
            app.command(name=cmd_name, help=module.__doc__)(module.run)
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing one."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def main() -> None:
    """Run the command and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 130 after Ctrl-C."""
    group = VerbGroup(
        name="plumewatch",
        help="Open testbed for space-based infrared early warning. `plumewatch VERB --help` explains each verb; "
        "`plumewatch up` shows everything at work.",
    )
    try:
        code = group.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except PlumewatchError as error:
        print(f"plumewatch: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
