"""`wayprint ...`: the command line, and the one function behind each file of jobs/.

Exit codes: 0 ok, 1 a step failed, 2 bad configuration, 3 a `fail` rule or promise broken (nothing of that table and of what
follows was published).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from wayprint import __version__

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The open customer-journey engine.", pretty_exceptions_enable=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Raw = Annotated[str | None, typer.Option(help="Folder of raw files, laid out as conf/sources says.")]
LakeRoot = Annotated[str, typer.Option("--lake", help="Root of the lake: folder, object-store path, or catalog.schema.")]
AsOf = Annotated[str | None, typer.Option(help="Day the run speaks of, YYYY-MM-DD; today (UTC) if not given.")]
Env = Annotated[str, typer.Option(help="conf/<env>.yaml to apply over base.yaml.")]
Conf = Annotated[str | None, typer.Option(help="Folder laid out like conf/.")]


class Progress:
    """A line a step: what it did, rows in, rows out, quarantined, seconds; the running steps below on a terminal."""

    def __init__(self) -> None:
        self._status = err.status("") if err.is_terminal else None
        self._running: list[str] = []
        if self._status:
            self._status.start()

    def start(self, step: str) -> None:
        self._running.append(step)
        self._show()

    def result(self, result: Any) -> None:
        if result.step in self._running:
            self._running.remove(result.step)
        colour = {"published": "green", "failed": "red", "refused": "red", "blocked": "yellow"}.get(result.status, "dim")
        rows_in = "" if result.rows_in is None else f"{result.rows_in:,}"
        rows_out = f"{result.rows_out:,}" if result.published else ""
        held = f"{result.quarantined:,} quarantined" if result.quarantined else ""
        err.print(
            f"[{colour}]{result.status:<10}[/] {result.step:<22} {rows_in:>10} -> {rows_out:>10} rows  {result.seconds:6.1f} s  {held}"
        )
        if result.status in ("planned", "blocked"):
            err.print(f"           {result.why}")
        if result.error:
            err.print(f"           {result.error}", style="red", markup=False)
        self._show()

    def close(self) -> None:
        if self._status:
            self._status.stop()

    def _show(self) -> None:
        if self._status:
            self._status.update("running: " + ", ".join(self._running) if self._running else "")


def _day(text: str | None) -> dt.date:
    from wayprint.contracts import BadConfiguration

    try:
        return dt.date.fromisoformat(text) if text else dt.datetime.now(dt.UTC).date()
    except ValueError:
        raise BadConfiguration(f"--as-of {text!r}: a day is written YYYY-MM-DD") from None


def _run(
    raw: str | None,
    lake: str,
    as_of: dt.date,
    env: str,
    conf: str | None,
    *,
    steps: tuple[Any, ...] = (),
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
        _run(raw, lake, _day(as_of), env, conf, only=tuple(only or ()), start=start, dry_run=dry_run, as_json=as_json, outputs=not partial)
    )


@app.command()
def demo(
    people: Annotated[int, typer.Option(help="People in the simulated world.")] = 3000,
    days: Annotated[int, typer.Option(help="Days simulated.")] = 120,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where world and lake are put.")] = Path("demo"),
    env: Env = "dev",
) -> None:
    """Simulate a retailer, write its vendors' raw files, and run the main job on them."""
    from wayprint.engine import keys_from_file
    from wayprint.session import RUNTIME
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


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="A person_id, an identifier_id, or type:value such as email:ana@exemple.fr.")],
    other: Annotated[str | None, typer.Argument(help="Why are these two one person, or two?")] = None,
    lake: LakeRoot = "lake",
    env: Env = "dev",
    conf: Conf = None,
) -> None:
    """Say why somebody is one person: the evidence, its weakest link, and the links that alone hold it together; or what keeps two apart."""
    from wayprint.engine import Engine

    with Engine.open(lake, env, conf) as engine:
        for line in engine.explain(name, other).in_words():
            print(line)


identity = typer.Typer(no_args_is_help=True, help="Look into identity before it is changed.")
app.add_typer(identity, name="identity")


@identity.command("try")
def try_rules(
    rules: Annotated[Path, typer.Argument(help="Folder laid out like conf/, with other identity rules.")],
    lake: LakeRoot = "lake",
    as_of: AsOf = None,
    env: Env = "dev",
) -> None:
    """Say what other rules would change: persons merged and split, largest person, recognition; publish nothing."""
    from wayprint.engine import Engine

    with Engine.open(lake, env) as engine:
        for line in engine.try_identity(rules, _day(as_of), env).in_words():
            print(line)


Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would change; decide nothing.")]
Why = Annotated[str | None, typer.Option(help="The reason, for those who read it later.")]
By = Annotated[str, typer.Option(help="Who decides.", envvar=["WAYPRINT_USER", "USER"])]


def _decide(action: str, names: list[str], lake: str, env: str, conf: str | None, by: str, why: str | None, as_of: str | None, yes: bool, dry_run: bool) -> None:
    from wayprint.engine import Engine

    with Engine.open(lake, env, conf) as engine:
        rows, preview, told = engine.propose(action, names, by, why, _day(as_of))
        for line in [*preview.in_words(), *told]:
            print(line)
        if dry_run or told:
            print("nothing was decided")
            raise typer.Exit(1 if told else 0)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"{action} {' '.join(names)}?"):
            raise typer.Exit(1)
        engine.record(rows)
        for row in rows.collect():
            print(f"decided {row.decision_id}; the next run follows it, `wayprint identity undo {row.decision_id}` takes it back")


@identity.command()
def block(
    values: Annotated[list[str] | None, typer.Argument(help="Identifiers: type:value such as email:test@test.com, or identifier_ids.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one of them a line.")] = None,
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """From now on these values name nobody."""
    given = [*(values or []), *(line.strip() for line in (file.read_text(encoding="utf-8").splitlines() if file else []) if line.strip())]
    _decide("block", given, lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def unblock(
    values: Annotated[list[str], typer.Argument(help="Identifiers, as for block.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """These values name somebody, whatever a list says."""
    _decide("unblock", values, lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def split(
    one: Annotated[str, typer.Argument(help="An identifier: type:value or identifier_id.")],
    other: Annotated[str, typer.Argument(help="Another that is not the same person's.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """Two identifiers are never one person's: the weakest evidence between them is no longer believed."""
    _decide("split", [one, other], lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def join(
    one: Annotated[str, typer.Argument(help="An identifier: type:value, identifier_id or person_id.")],
    other: Annotated[str, typer.Argument(help="Another of the same person.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """Two identifiers are one person's, as far as no unique identifier is against it."""
    _decide("join", [one, other], lake, env, conf, by, why, as_of, yes, dry_run)


@identity.command()
def undo(
    decision: Annotated[str, typer.Argument(help="A decision_id of identity_decisions.")],
    lake: LakeRoot = "lake", by: By = "unknown", why: Why = None, as_of: AsOf = None, yes: Yes = False, dry_run: DryRun = False, env: Env = "dev", conf: Conf = None,
) -> None:
    """Take an earlier decision back."""
    _decide("undo", [decision], lake, env, conf, by, why, as_of, yes, dry_run)


@app.command()
def audience(
    file: Annotated[Path | None, typer.Argument(help="A definition; all of conf/audiences if not given.")] = None, conf: Conf = None
) -> None:
    """Check audience definitions and say in words what they mean."""
    from wayprint.audiences.definition import parse
    from wayprint.settings import conf_folder

    folder = Path(conf) if conf else Path(str(conf_folder()))
    broken = 0
    for path in [file] if file else sorted((folder / "audiences").glob("*.yaml")):
        try:
            print(f"{path.name}: {parse(path.read_text(encoding='utf-8'), str(path)).in_words()}")
        except ValueError as error:
            broken += 1
            err.print(str(error), style="red", markup=False)
    raise typer.Exit(2 if broken else 0)


@app.command()
def bench(
    rows: Annotated[int, typer.Option(help="Canonical events; 0: components alone.")] = 1_000_000,
    edges: Annotated[list[int] | None, typer.Option(help="Links of the graphs whose components are measured alone.")] = None,
    out: Annotated[Path, typer.Option(help="Markdown file.")] = Path("BENCH.md"),
) -> None:
    """Count jobs, stages, shuffle bytes, rows scanned and written per step, full and with 1 % more events; and components alone."""
    from wayprint.bench import measure, measure_components

    told = measure(rows) if rows else ""
    out.write_text(told + measure_components(tuple(edges or (600_000, 6_000_000))), encoding="utf-8")
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
        raise typer.Exit(_run(raw, lake, _day(as_of), env, conf, steps=steps, as_json=as_json, outputs=name in ("pipeline", "report")))

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
