"""`wayprint ...`: the command line, and the one function behind each file of jobs/.

Exit codes: 0 ok, 1 a step failed, 2 bad configuration, 3 a `fail` rule or promise broken (nothing of that table and of what
follows was published).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from wayprint import __version__
from wayprint.cli_identity import explain, identity
from wayprint.console import AsOf, Conf, Env, LakeRoot, Progress, Raw, day, err

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The open customer-journey engine.", pretty_exceptions_enable=False)
app.add_typer(identity, name="identity")

def _run(
    raw: str | None,
    lake: str,
    as_of: dt.date,
    env: str,
    conf: str | None,
    *,
    steps: tuple[Any, ...] | None = None,
    only: tuple[str, ...] = (),
    start: str | None = None,
    dry_run: bool = False,
    as_json: bool = False,
    outputs: bool = True,
    truth: Path | None = None,
) -> int:
    from wayprint.engine import Engine

    def say(text: str) -> None:
        err.print(text, markup=False)

    with Engine.open(lake, env, conf, raw, say, (*only, *([start] if start else []))) as engine:
        progress = Progress()
        try:
            report = engine.run(
                as_of, steps=steps, only=only, start=start, dry_run=dry_run, on_start=progress.start, on_result=progress.result, say=say
            )
        finally:
            progress.close()
        summary = report.as_dict()
        sentences: list[str] = []
        if outputs and not dry_run and report.exit_code == 0:
            summary["exports"] = engine.exports(as_of)
            page, sentences = engine.report(as_of, truth)
            summary["report"] = str(page)
            summary["sentences"] = sentences
    if as_json:
        print(json.dumps(summary, ensure_ascii=False))
    else:
        for sentence in sentences:
            print(f"- {sentence}")
        if "report" in summary:
            print(summary["report"])
    return report.exit_code


@app.command()
def run(
    raw: Raw = None,
    lake: LakeRoot = "lake",
    as_of: AsOf = None,
    only: Annotated[list[str] | None, typer.Option(help="Only these steps.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="This step and all after it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and why; publish nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON summary on standard output.")] = False,
    env: Env = "dev",
    conf: Conf = None,
) -> None:
    """Bring all tables of the lake up to date with the raw files, then write exports and report."""
    partial = bool(only or start)
    raise typer.Exit(
        _run(raw, lake, day(as_of), env, conf, only=tuple(only or ()), start=start, dry_run=dry_run, as_json=as_json, outputs=not partial)
    )


@app.command()
def demo(
    people: Annotated[int, typer.Option(help="People in the simulated world.")] = 3000,
    days: Annotated[int, typer.Option(help="Days simulated.")] = 120,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where world and lake are put.")] = Path("demo"),
    env: Env = "demo",
) -> None:
    """Simulate a retailer, write its vendors' raw files, and run the main job on them."""
    from wayprint.session import RUNTIME, SparkSettings, session
    from wayprint.settings import load_section

    def start_jvm() -> None:
        with contextlib.suppress(Exception):  # what is wrong or missing is told when the run asks for it
            session(load_section("spark", SparkSettings, env))

    starting = threading.Thread(target=start_jvm)
    starting.start()  # it takes as long as all that is imported below and the world do, on the other core

    from wayprint.engine import keys_from_file
    from wayprint.world import build

    place = folder / f"people-{people}-days-{days}-seed-{seed}-spark-{RUNTIME}"
    keys = folder / "keys.env"
    folder.mkdir(parents=True, exist_ok=True)
    if not keys.exists():
        keys.touch(mode=0o600)
        keys.write_text(f"WAYPRINT_HASH_KEY={secrets.token_hex(32)}\nWAYPRINT_VAULT_KEY={secrets.token_hex(32)}\n")
        err.print(f"made keys for the demo: {keys} (your own run takes WAYPRINT_HASH_KEY and WAYPRINT_VAULT_KEY from the environment)")
    keys_from_file(keys)
    start = dt.date(2026, 1, 1)
    world = build(people=people, days=days, seed=seed, start=start)
    shutil.rmtree(place / "raw", ignore_errors=True)
    world.write_raw(place / "raw")
    world.write_truth(place / "truth")
    starting.join()
    as_of = start + dt.timedelta(days=days)
    err.print(f"wrote the raw files of {people:,} people over {days} days to {place / 'raw'}")
    raise typer.Exit(_run(str(place / "raw"), str(place / "lake"), as_of, env, None, truth=place / "truth"))


@app.command()
def doctor(lake: LakeRoot = "lake", env: Env = "dev", conf: Conf = None) -> None:
    """Name everything missing or mismatched, with the cure; exit 0 if a run would work."""
    from wayprint.doctor import examine

    findings = examine(lake, env, conf)
    for finding in findings:
        mark = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]bad [/]"}[finding.verdict]
        err.print(f"{mark} {finding.subject}: {finding.found}" + (f" -> {finding.cure}" if finding.cure else ""))
    raise typer.Exit(2 if any(f.verdict == "bad" for f in findings) else 0)


@app.command()
def jars() -> None:
    """Resolve the jars of this runtime once into the cache folder."""
    from wayprint.jars import resolve

    for line in resolve():
        err.print(line)


@app.command()
def tables(
    name: Annotated[str | None, typer.Argument(help="One table in full.")] = None,
    lake: Annotated[str | None, typer.Option(help="Show versions and rows of this lake too.")] = None,
    markdown: Annotated[bool, typer.Option(help="The map for README.")] = False,
) -> None:
    """The catalogue: what each table promises, who writes and reads it, and where it stands."""
    from wayprint import catalogue

    if markdown:
        print(catalogue.markdown())
        return
    stands = catalogue.standings(lake) if lake else {}
    if name is None:
        grid = Grid("table", "layer", "one row is", "written by", "version", "rows")
        for entry in catalogue.entries():
            version, rows = stands.get(entry.table.name, ("", ""))
            grid.add_row(entry.table.name, entry.table.layer, entry.table.grain, entry.writer, str(version), str(rows))
        Console().print(grid)
    else:
        Console(soft_wrap=True, highlight=False).print(catalogue.describe(name, stands), markup=False)


@app.command()
def view(
    name: Annotated[str, typer.Argument(help="id_graph, id_graph_updates, external_id_mapping, persons_resolved, persons_golden_records.")],
    lake: LakeRoot = "lake",
    rows: Annotated[int, typer.Option(help="How many of the first rows, sorted by their columns.")] = 20,
    env: Env = "dev",
    conf: Conf = None,
) -> None:
    """Show identity under the table names and columns of other tools."""
    from wayprint.engine import Engine, find_view

    find_view(name)
    with Engine.open(lake, env, conf) as engine:
        shown = engine.view(name)
        grid = Grid(*shown.columns)
        for row in shown.orderBy(*shown.columns).limit(rows).collect():
            grid.add_row(*("" if value is None else str(value) for value in row))
        Console().print(grid)


app.command()(explain)


@app.command()
def audience(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="A definition; all of conf/audiences if not given.")] = None,
    env: Env = "dev",
    conf: Conf = None,
) -> None:
    """Check audience definitions and say in words what they mean."""
    from wayprint import pipeline
    from wayprint.audiences.definition import parse
    from wayprint.settings import conf_folder, load

    folder = Path(conf) if conf else Path(str(conf_folder()))
    # The words of the configuration in force; the definitions are checked one by one below.
    settings = load(pipeline.SECTIONS, env, folder, {**os.environ, "WAYPRINT_AUDIENCES__AUDIENCES": "{}"})
    rules = settings.audiences
    broken = 0
    for path in [file] if file else sorted((folder / "audiences").glob("*.yaml")):
        try:
            defined = parse(path.read_text(encoding="utf-8"), str(path), rules.purposes, rules.states)
            if wrong := pipeline.unknown_words(settings, [(str(path), defined.who)]):
                raise ValueError("; ".join(wrong))
            print(f"{path.name}: {defined.in_words()}")
        except ValueError as error:
            broken += 1
            told = f"{path}: not UTF-8 text; save it as UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            err.print(told, style="red", markup=False)
    raise typer.Exit(2 if broken else 0)


@app.command()
def bench(
    rows: Annotated[int, typer.Option(help="Canonical events; 0: components alone.")] = 1_000_000,
    edges: Annotated[list[int] | None, typer.Option(help="Links of the graphs whose components are measured alone.")] = None,
    out: Annotated[Path, typer.Option(help="Markdown file.")] = Path("BENCH.md"),
) -> None:
    """Count jobs, stages, shuffle bytes, rows scanned and written per step, full and with 1 % more events; and components alone."""
    from wayprint.bench import measure, measure_components

    with tempfile.TemporaryDirectory(prefix="wayprint-bench-") as scratch:
        told = measure(rows, Path(scratch)) if rows else ""
        out.write_text(told, encoding="utf-8")  # what was measured stays, whatever comes next
        out.write_text(told + measure_components(tuple(edges or (600_000, 6_000_000)), Path(scratch)), encoding="utf-8")
    print(out)


@app.command()
def version() -> None:
    """The version."""
    print(__version__)


def job(name: str) -> None:
    """Entry of jobs/<name>.py: the steps of one job, with the options of `wayprint run`."""
    from wayprint import pipeline

    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @single.command()
    def run_job(
        raw: Raw = None,
        lake: LakeRoot = "lake",
        as_of: AsOf = None,
        as_json: Annotated[bool, typer.Option("--json")] = False,
        env: Env = "dev",
        conf: Conf = None,
    ) -> None:
        steps = pipeline.JOBS[name]
        raise typer.Exit(_run(raw, lake, day(as_of), env, conf, steps=steps, as_json=as_json, outputs=name in ("pipeline", "report")))

    _exit(single)


def _exit(command: typer.Typer) -> None:
    from wayprint.contracts import BadConfiguration, ContractBroken
    from wayprint.lake import LakeUnusable

    try:
        command()
    except (BadConfiguration, LakeUnusable) as error:
        err.print(f"configuration: {error}", style="red", markup=False)
        sys.exit(2)
    except ContractBroken as error:
        err.print(f"promise broken: {error}", style="red", markup=False)
        sys.exit(3)
    except RuntimeError as error:
        err.print(str(error), style="red", markup=False)
        sys.exit(2)


def main() -> None:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    _exit(app)
