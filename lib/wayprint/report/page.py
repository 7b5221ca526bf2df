"""placeholder until the report lands"""
REPORT_READS = ()
def write_report(tables, settings, folder, as_of, truth):
    return folder / "report.html", []
