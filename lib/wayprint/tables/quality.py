"""How good the data are: rule by rule, and the figures everybody shares."""

from wayprint.contracts import Table, col

RULE_RESULTS = Table(
    "rule_results", layer="gold", grain="one rule of one published table version", key=("table", "version", "rule"), records_runs=True,
    columns=(
        col("table", "string", "table checked"),
        col("version", "long", "Delta version that the rows became"),
        col("rule", "string", "rule, in words"),
        col("severity", "string", "fail or warn", required=True),
        col("rows", "long", "rows checked: all of the table, or those of the changed keys", required=True),
        col("broken", "long", "rows that break it", required=True),
        col("run_id", "string", "run", required=True)))

NO_CURRENCY = "XXX"  # ISO 4217: where no currency is involved

KPIS = Table(
    "kpis", layer="gold", grain="one figure of one month, channel and currency", key=("kpi", "month", "channel", "currency"), owner="everybody",
    columns=(
        col("kpi", "string", "name in conf/kpis.yaml"),
        col("month", "date", "first day of the month, UTC"),
        col("channel", "string", "channel, or (all)"),
        col("currency", "string", "ISO 4217, of figures that count money; XXX: no currency"),
        col("value", "double", "value; additive ones sum over channels to (all)"),
        col("numerator", "double", "for a ratio: what is counted"),
        col("denominator", "double", "for a ratio: out of what")))
