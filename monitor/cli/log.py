"""`driftline log import MODEL FILES…`: rows from files into the embedded log.

In: CSV, Parquet and NDJSON files. Out: what was added and what was refused, with file, line and reason. Kept: the log.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, emit_json, errors, load_config, pick_model
from monitor.errors import Exit, UserError

if TYPE_CHECKING:
    from monitor.prediction_log.importer import ImportReport


_SUFFIXES = {".csv", ".parquet", ".pq", ".ndjson", ".jsonl", ".json"}


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    # Without a callback Typer would make a group of one command that very command.
    group.callback()(_log)
    group.command("import")(import_)
    app.add_typer(group, name="log", help="Write to the prediction log.")


def _log() -> None:
    """Write to the prediction log."""


def import_(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the config.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="CSV, Parquet or NDJSON files, or folders of them.")
    ],
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            help="Zone of times that are written without one, such as Europe/Berlin; without it they are refused.",
            show_default=False,
        ),
    ] = None,
    write_refused: Annotated[
        bool, typer.Option("--write-refused", help="Write every refused row's reason to FILE.refused.ndjson beside it.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import rows, and labels if the files have them, into a model's log.

    Good rows are kept and bad ones refused with file, line and reason. Importing the same file twice changes nothing.
    Exit code 2 if any row was refused.
    """
    from monitor.prediction_log.importer import import_files
    from monitor.prediction_log.open import open_delta
    from monitor.settings.types import check_timezone

    if timezone is not None:
        try:
            check_timezone(timezone)
        except ValueError as error:
            raise UserError(f"--timezone: {error}") from None
    settings = load_config(config)
    pick_model(settings, model)
    paths = _files(files)
    target = settings.settings.models[model]
    log = open_delta(target, settings.settings.log, model)
    try:
        with _Bar() as bar:
            report = import_files(
                log,
                target.columns,
                paths,
                now=datetime.now(UTC),
                progress=bar.move,
                assume_timezone=timezone,
                write_refused=write_refused,
            )
    finally:
        log.close()
    if as_json:
        _emit(model, report)
    else:
        _tell(model, report, write_refused)
    if report.refused_total:
        raise typer.Exit(int(Exit.MISTAKE))


class _Bar:
    """A progress bar on standard error, shown where that is a terminal."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        where = errors()
        self._progress = Progress(
            TextColumn("importing"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TimeRemainingColumn(),
            console=where,
            transient=True,
            disable=not where.is_terminal,
        )
        self._task = self._progress.add_task("importing", total=None, rows=0)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def move(self, done: int, total: int, rows: int) -> None:
        """Bytes done, bytes in all, rows so far."""
        self._progress.update(self._task, completed=done, total=total, rows=rows)


def _files(given: list[Path]) -> list[Path]:
    """The files named; a folder stands for the data files in it. Raises UserError for one that is not there."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if _is_data(file))
            if not inside:
                raise UserError(f"the folder {path} holds no {', '.join(sorted(_SUFFIXES))} file")
            found.extend(inside)
        elif path.exists():
            found.append(path)
        else:
            raise UserError(f"there is no file {path}")
    return found


def _is_data(file: Path) -> bool:
    name = file.name.removesuffix(".gz")
    return file.is_file() and Path(name).suffix in _SUFFIXES and not name.endswith(".refused.ndjson")


def _emit(model: str, report: ImportReport) -> None:
    for file in report.files:
        emit_json(
            {
                "type": "import",
                "model": model,
                "file": file.file,
                "rows": file.rows,
                "labels": file.labels,
                "skipped": file.skipped,
                "refused": file.refused,
            }
        )
    for row in report.refused:
        emit_json({"type": "refused", "file": row.file, "line": row.line, "reason": row.reason})
    for note in report.notes:
        emit_json({"type": "note", "text": note})


def _tell(model: str, report: ImportReport, written: bool) -> None:
    from rich.text import Text

    out, wrong = console(), errors()
    for file in report.files:
        if file.already:
            continue  # a note says so
        parts = [f"{file.rows:,} rows"]
        parts += [f"{file.labels:,} labels"] if file.labels else []
        parts += [f"{file.skipped:,} were there already"] if file.skipped else []
        parts += [f"{file.refused:,} refused"] if file.refused else []
        out.print(Text(f"{file.file}: {', '.join(parts)}"))
    for note in report.notes:
        out.print(Text(note))
    for row in report.refused:
        wrong.print(Text(f"{row.file}:{row.line}: {row.reason}"))
    more = report.refused_total - len(report.refused)
    if more:
        hint = "the .refused.ndjson files list them all" if written else "--write-refused lists them all"
        wrong.print(Text(f"and {more:,} more; {hint}"))
    if report.rows or report.labels:
        out.print(Text(f"{model}: {report.rows:,} rows and {report.labels:,} labels added"))
