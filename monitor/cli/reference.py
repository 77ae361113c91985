"""The command reference of docs/cli.md, written from the commands themselves.

In: the Typer app. Out: Markdown, one section a command. Kept: nothing. `python -m monitor.cli.reference docs/cli.md`
rewrites what lies below the file's `<!-- commands -->` mark; a test fails while it is old.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

MARK = "<!-- commands: written by python -m monitor.cli.reference docs/cli.md -->\n"
# The same for every command: told once at the head of the page.
_COMMON = {"--help", "--config", "--json", "--install-completion", "--show-completion"}


def commands(app: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Every command with its full name, in the order of the help; groups themselves are left out."""
    yield from _walk(typer.main.get_command(app), "driftline")


def render(app: typer.Typer) -> str:
    """The reference as Markdown."""
    return "\n".join(_section(name, command) for name, command in commands(app))


def rewrite(text: str, app: typer.Typer) -> str:
    """The page with everything below its mark renewed. Raises ValueError for a page without the mark."""
    head, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"the page has no line {MARK.strip()}")
    return f"{head}{MARK}\n{render(app)}"


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child in command.list_commands(None):
        if not children[child].hidden:
            yield from _walk(children[child], f"{name} {child}")


def _section(name: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    usage = " ".join([name, *(_usage(argument) for argument in arguments), "[OPTIONS]"])
    lines = [f"### {name}", "", f"`{usage}`", "", inspect.cleandoc(command.help or ""), ""]
    rows = [f"| `{_usage(argument)}` | {_help(argument)} |" for argument in arguments]
    rows += [f"| {_names(option)} | {_help(option)} |" for option in options if not _COMMON & set(option.opts)]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    common = sorted(_COMMON & {opt for option in options for opt in option.opts} - {"--help"})
    if common:
        lines += ["Also: " + ", ".join(f"`{name}`" for name in common) + ".", ""]
    return "\n".join(lines)


def _usage(argument: Any) -> str:
    name = (argument.metavar or argument.name).strip("[]{}").upper()
    if argument.nargs == -1:
        name += "…"
    return name if argument.required else f"[{name}]"


def _names(option: Any) -> str:
    names = sorted(option.opts, key=len, reverse=True)
    value = "" if option.is_flag else f" {_value(option)}"
    return ", ".join(f"`{name}{value if name.startswith('--') else ''}`" for name in names)


def _value(option: Any) -> str:
    """What stands for the option's value: its metavar, else what its default is."""
    if option.metavar:
        return str(option.metavar).strip("<>").upper()
    match option.default:
        case Path():
            return "PATH"
        case int() | float():
            return "N"
    return "TEXT"


def _help(param: Any) -> str:
    text = (param.help or "").replace("|", "\\|")
    if param.required and param.param_type_name == "option":
        return f"{text} Required."
    default = param.show_default if isinstance(param.show_default, str) else param.default
    shown = isinstance(param.show_default, str) or param.show_default
    if not shown or default in (None, False, ()) or callable(default):
        return text
    return f"{text} Default: {f'{default:g}' if isinstance(default, float) else default}."


if __name__ == "__main__":
    from monitor.cli import app as whole

    page = Path(sys.argv[1])
    page.write_text(rewrite(page.read_text(encoding="utf-8"), whole), encoding="utf-8")
