"""What a repository's summary shows in Dagster's UI."""

import base64
import io

import dagster as dg

from biolake.reports.repository_summary import RepositorySummary

_MOST_IGNORED = 100


def summary_metadata(summary: RepositorySummary) -> dict[str, dg.MetadataValue]:
    """Counts, growth and failures as numbers, tables and one plot."""
    counts = summary.table.row(0, named=True)
    metadata: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.int(int(counts[name]))
        for name in ("datasets", "samples", "features", "matrix_values", "jobs_errored")
    }
    metadata["jobs"] = dg.MetadataValue.json({state.value: count for state, count in summary.jobs.items()})
    for name, counted in summary.by.items():
        metadata[f"by_{name}"] = dg.MetadataValue.table(
            [dg.TableRecord({name: value, "datasets": count}) for value, count in counted]
            or [dg.TableRecord({name: ""})]
        )
    if summary.failures.height:
        metadata["failures"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {"dataset": row["dataset_id"], "when": f"{row['when']:%Y-%m-%d %H:%M}", "reason": row["reason"]}
                )
                for row in summary.failures.reverse().iter_rows(named=True)
            ]
        )
    if summary.ignored:
        metadata["ignored_objects"] = dg.MetadataValue.table(
            [dg.TableRecord({"object": key, "reason": reason}) for key, reason in summary.ignored[:_MOST_IGNORED]]
        )
    if summary.growth.height:
        metadata["growth"] = dg.MetadataValue.md(f"![datasets by day](data:image/png;base64,{_growth_plot(summary)})")
    return metadata


def _growth_plot(summary: RepositorySummary) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.4), dpi=90, layout="constrained")
    axes = figure.subplots()
    days = summary.growth["day"].to_list()
    axes.bar(days, summary.growth["datasets"].to_list(), color="#9db8d2", label="added that day")
    axes.plot(days, summary.growth["total"].to_list(), color="#1f4e79", marker="o", markersize=3, label="in all")
    axes.set_title(f"Datasets in {summary.repository}", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    figure.autofmt_xdate()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()
