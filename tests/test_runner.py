"""The loop on a small pipeline: differences, increments, conflicts, broken rules, crashes."""

from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import functions as F

from wayprint.contracts import Changes, ContractBroken, Previous, Step, Table, Whole, col, fail, warn
from wayprint.lake import Conflict, Lake
from wayprint.runner import Runner

pytestmark = pytest.mark.spark

SALES = Table("sales", layer="silver", grain="one sale", key=("sale_id",), columns=(
    col("sale_id", "string", "id"), col("person_id", "string", "who"), col("amount", "long", "cents")))
NAMES = Table("names", layer="silver", grain="one person", key=("person_id",), columns=(
    col("person_id", "string", "who"), col("name", "string", "name", personal=True)))
TOTALS = Table("totals", layer="gold", grain="one person", key=("person_id",), columns=(
    col("person_id", "string", "who"), col("total", "long", "sum"), col("label", "string", "largest name of all")),
    rules={"not negative": fail("total >= 0"), "not huge": warn("total < 1000")})
COUNTS = Table("counts", layer="gold", grain="one person ever seen", key=("person_id",), columns=(
    col("person_id", "string", "who"), col("first_total", "long", "first total")))


def sum_up(sales, names):
    label = names.agg(F.max("name").alias("label"))
    return sales.groupBy("person_id").agg(F.sum("amount").alias("total")).crossJoin(F.broadcast(label))


def remember(totals, previous_counts):
    known = previous_counts.withColumnRenamed("first_total", "known")
    return totals.join(known, "person_id", how="left").select("person_id", F.coalesce("known", "total").alias("first_total"))


STEPS = (Step(sum_up, (SALES, Whole(NAMES)), (TOTALS,), each="person_id"), Step(remember, (TOTALS, Previous(COUNTS)), (COUNTS,)))


class Bench:
    """A lake whose inputs the test writes by hand."""

    def __init__(self, spark, settings, root):
        self.spark, self.settings, self.lake, self.pinned = spark, settings, Lake(str(root)), {}
        self.turn = 0

    def write(self, table, *rows):
        self.turn += 1
        frame = self.spark.newSession().createDataFrame(list(rows), table.ddl).persist()
        self.lake.publish(table, frame, self.lake.state(self.spark, table), {"step": "hand", "turn": self.turn}, len(rows))

    def run(self, steps=STEPS, **given):
        return Runner(self.spark, self.lake, steps, self.settings, dt.date(2026, 1, 1), threads=2).run(**given)

    def rows(self, table):
        return sorted(tuple(r) for r in self.lake.read(self.spark, table, self.version(table)).collect())

    def version(self, table):
        return self.lake.state(self.spark, table).version


@pytest.fixture
def bench(spark, settings, tmp_path):
    built = Bench(spark, settings, tmp_path)
    built.write(SALES, *[(f"s{i}", f"p{i % 40}", i) for i in range(200)])
    built.write(NAMES, ("p1", "ann"))
    return built


def test_a_second_run_publishes_nothing_and_calls_nothing(bench):
    assert bench.run().exit_code == 0
    before = [bench.version(t) for t in (TOTALS, COUNTS)]
    again = bench.run()
    assert [r.status for r in again.results] == ["current", "current"]
    assert [bench.version(t) for t in (TOTALS, COUNTS)] == before


def test_a_keyed_step_gets_only_the_changed_keys_and_both_homes_of_a_moved_row(bench):
    bench.run()
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i) for i in range(200) if i != 7], ("s7", "p99", 7))
    seen = []

    def spying(sales, names):
        seen.extend(r.person_id for r in sales.select("person_id").distinct().collect())
        return sum_up(sales, names)

    result = bench.run((Step(spying, STEPS[0].reads, STEPS[0].writes, each="person_id", name="sum_up"), STEPS[1]))
    assert sorted(seen) == ["p7", "p99"]
    assert result.results[0].published[0].inserted == 1
    assert result.results[0].published[0].updated == 1
    totals = {r[0]: r[1] for r in bench.rows(TOTALS)}
    assert totals["p99"] == 7
    assert totals["p7"] == sum(i for i in range(200) if i % 40 == 7) - 7


def test_increments_equal_a_rebuild(bench, tmp_path, spark, settings):
    bench.run()
    for turn in range(3):
        bench.write(SALES, *[(f"s{i}", f"p{(i + turn * (i % 3 == 0)) % 40}", i) for i in range(10 * turn, 200 + turn)])
        bench.run((STEPS[0],))
    rebuilt = Bench(spark, settings, tmp_path / "rebuilt")
    rebuilt.write(SALES, *bench.rows(SALES))
    rebuilt.write(NAMES, *bench.rows(NAMES))
    rebuilt.run((STEPS[0],))
    assert bench.rows(TOTALS) == rebuilt.rows(TOTALS)


def concerned(changed_sales):
    return None if changed_sales is None else changed_sales.select("person_id").distinct()


def sum_what_moved(sales, prepared):
    moved = sales if prepared is None else sales.join(prepared, "person_id", how="left_semi")
    sums = moved.groupBy("person_id").agg(F.sum("amount").alias("total"))
    return sums.withColumnRenamed("total", "first_total"), sums.withColumn("label", F.lit("-"))


def sums_replaced(prepared, previous_counts, previous_totals):
    return tuple(None if prepared is None else before.join(prepared, "person_id", how="left_semi") for before in (previous_counts, previous_totals))


def of_changes():
    """A step that finds for itself what the rows that moved concern; `seen` fills with what it was given."""
    seen = []

    def spying(changed_sales, since, as_of):
        seen.append((since, changed_sales and sorted(tuple(r) for r in changed_sales.collect())))
        return concerned(changed_sales)

    return seen, Step(sum_what_moved, (Changes(SALES), Previous(COUNTS), Previous(TOTALS)), (COUNTS, TOTALS), prepare=spying, replaces=sums_replaced)


def test_a_step_of_changes_gets_both_images_and_replaces_what_they_concern(bench):
    seen, step = of_changes()
    assert bench.run((step,)).exit_code == 0
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i) for i in range(200) if i != 7], ("s7", "p99", 7))
    (result,) = bench.run((step,)).results
    assert seen == [(None, None), (dt.date(2026, 1, 1), [("s7", "p7", 7), ("s7", "p99", 7)])]
    assert [(p.inserted, p.updated, p.deleted) for p in result.published] == [(1, 1, 0)] * 2
    totals = {r[0]: r[1] for r in bench.rows(TOTALS)}
    assert (len(totals), totals["p99"], totals["p8"]) == (41, 7, sum(range(8, 200, 40)))
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i) for i in range(200) if i % 40 != 5])
    bench.run((step,))
    assert {r[0] for r in bench.rows(COUNTS)} == {f"p{i}" for i in range(40)} - {"p5"}


def test_a_step_of_changes_is_told_that_all_may_have_moved_when_its_input_was_written_anew(bench):
    seen, step = of_changes()
    bench.run((step,))
    bench.write(SALES, *[(f"s{i}", f"q{i % 40}", i) for i in range(200)])
    (result,) = bench.run((step,)).results
    assert seen[1:] == [(None, None)]
    assert "written anew" in result.why
    assert {r[0] for r in bench.rows(TOTALS)} == {f"q{i}" for i in range(40)}


def test_a_day_that_passed_is_no_change_but_is_told(bench):
    seen, step = of_changes()
    bench.run((step,))
    later = Runner(bench.spark, bench.lake, (step,), bench.settings, dt.date(2026, 1, 3), threads=2).run()
    assert later.results[0].status == "unchanged"
    assert seen[1:] == [(dt.date(2026, 1, 1), [])]


def test_tables_left_apart_by_a_killed_run_are_computed_whole(bench, monkeypatch):
    seen, step = of_changes()
    bench.run((step,))
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i + (i == 7)) for i in range(200)])
    publish = Lake.publish

    def killed(lake, table, *given):
        if table == TOTALS:
            raise RuntimeError("killed between the two writes")
        return publish(lake, table, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "publish", killed)
        assert bench.run((step,)).exit_code == 1
    assert dict(bench.rows(COUNTS))["p7"] != {r[0]: r[1] for r in bench.rows(TOTALS)}["p7"]
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i + 2 * (i == 8)) for i in range(200)])
    bench.run((step,))
    assert seen[-1] == (None, None)
    assert dict(bench.rows(COUNTS)) == {r[0]: r[1] for r in bench.rows(TOTALS)}
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i + (i == 8)) for i in range(200)])
    bench.run((step,))
    assert seen[-1][1] == [("s8", "p8", 9), ("s8", "p8", 10)]


def test_a_whole_input_that_moved_recomputes_everything(bench):
    bench.run()
    bench.write(NAMES, ("p1", "zoe"))
    bench.run()
    assert {r[2] for r in bench.rows(TOTALS)} == {"zoe"}


def test_a_key_that_lost_its_last_row_is_deleted(bench):
    bench.run()
    bench.write(SALES, *[(f"s{i}", f"p{i % 40}", i) for i in range(200) if i % 40 != 5])
    bench.run()
    assert "p5" not in {r[0] for r in bench.rows(TOTALS)}


def test_a_broken_fail_rule_publishes_nothing_and_blocks_what_follows(bench):
    bench.run()
    before = bench.rows(TOTALS)
    bench.write(SALES, ("s1", "p1", -5), ("s2", "p2", 5000))
    report = bench.run()
    assert [r.status for r in report.results] == ["refused", "blocked"]
    assert report.exit_code == 3
    assert "not negative" in report.results[0].error
    assert bench.rows(TOTALS) == before


def test_a_doubled_key_is_refused_by_name(bench):
    def doubling(sales, names):
        return sum_up(sales, names).union(sum_up(sales, names))

    report = bench.run((Step(doubling, STEPS[0].reads, STEPS[0].writes, name="sum_up"),))
    assert "key is unique" in report.results[0].error


def test_a_missing_and_a_mistyped_column_are_named_together(bench):
    def careless(sales, names):
        return sum_up(sales, names).select("person_id", F.col("total").cast("string").alias("total"))

    report = bench.run((Step(careless, STEPS[0].reads, STEPS[0].writes, name="sum_up"),))
    assert "label (string) is missing" in report.results[0].error
    assert "total was promised bigint and came string" in report.results[0].error


def test_a_writer_that_looked_before_another_committed_gets_a_conflict(bench, spark):
    bench.run()
    stale = bench.lake.state(spark, TOTALS)
    frame = spark.newSession().createDataFrame([("p1", 1, "x"), ("p2", 2, "x")], TOTALS.ddl).persist()
    bench.lake.publish(TOTALS, frame, stale, {"step": "one"}, 2)
    with pytest.raises(Conflict):
        bench.lake.publish(TOTALS, frame.withColumn("total", F.col("total") + 1), stale, {"step": "two"}, 2)
    assert bench.rows(TOTALS) == [("p1", 1, "x"), ("p2", 2, "x")]


def test_rule_counts_stand_in_the_commit_and_reach_rule_results_after_a_lost_run(bench, spark):
    from wayprint.tables.quality import RULE_RESULTS

    bench.run()
    bench.lake.drop(RULE_RESULTS)
    bench.run()
    assert {(r[0], r[2]) for r in bench.rows(RULE_RESULTS)} >= {("totals", "not negative"), ("totals", "key is unique")}


def test_a_step_that_asks_for_what_it_does_not_read_is_refused_before_anything_runs():
    with pytest.raises(ContractBroken, match="asks for 'names'"):
        Step(sum_up, (SALES,), (TOTALS,))
    with pytest.raises(ContractBroken, match="is not a column of names"):
        Step(sum_up, (SALES, NAMES), (TOTALS,), each="sale_id")


def test_personal_values_leave_no_trace_in_the_log(bench):
    logs = (p.read_text() for p in __import__("pathlib").Path(bench.lake.path(NAMES), "_delta_log").glob("*.json"))
    assert not any("ann" in text for text in logs)
