"""The only module that knows MLflow: runs, model versions, and the alias `champion`.

The store is a SQLite file in the lake (`_mlflow/mlflow.db`, models beside it) or whatever `MLFLOW_TRACKING_URI` names.
Everything here may be repeated after a crash: a run already finished is not logged again, a version already registered is
returned, an alias once given is not taken back from a later champion. Only sums, knobs and fitted models are written, no
example row and no person. Called from the driver only; a local store has one user at a time (see `alone`).
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

CHAMPION = "champion"
REQUIREMENTS = ("scikit-learn", "numpy", "scipy", "pandas", "skops")
_lock = threading.RLock()  # MLflow keeps its tracking URI in a global
_held: set[Path] = set()  # stores locked by this process; only looked at under _lock


class Registry:
    """A model registry at `uri`; `artifacts` is the folder of its models where the store itself is a local file."""

    def __init__(self, uri: str, artifacts: Path | None = None, inputs: Mapping[str, int] | None = None):
        self.uri, self.artifacts, self.inputs = uri, artifacts, dict(inputs or {})
        self._loaded: dict[tuple[str, str], Any] = {}

    @classmethod
    def open(cls, lake_root: str, environ: Mapping[str, str]) -> Registry:
        """`MLFLOW_TRACKING_URI` if set, else a SQLite file in the lake; RuntimeError if the lake is no folder of this machine."""
        if told := environ.get("MLFLOW_TRACKING_URI"):
            return cls(told)
        root = lake_root.removeprefix("file://") if lake_root.startswith("file://") else lake_root.removeprefix("file:")
        if "://" in root or root.startswith("catalog:"):
            raise RuntimeError(f"the lake {lake_root} cannot hold a SQLite file: set MLFLOW_TRACKING_URI to an MLflow server")
        folder = Path(root).absolute() / "_mlflow"
        return cls(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")

    def reading(self, inputs: Mapping[str, int]) -> Registry:
        """The same registry, noting these table versions with every run that is logged."""
        same = Registry(self.uri, self.artifacts, inputs)
        same._loaded = self._loaded
        return same

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Meanwhile nobody else uses a local store: other threads wait, other processes too. A server has its own order."""
        with _lock:
            folder = self.artifacts.parent if self.artifacts else None
            if folder is None or folder in _held:
                yield
                return
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                _held.add(folder)
                try:
                    yield
                finally:
                    _held.discard(folder)

    def finished_runs(self, model: str, digest: str) -> list[dict[str, Any]]:
        """What was logged for these examples, one a candidate: run_id, candidate, decision, verdict and measures by name."""
        with self._mlflow() as mlflow:
            runs = [run for run in self._runs(mlflow, model, digest) if run.info.status == "FINISHED"]
            first = {run.data.tags["candidate"]: run for run in reversed(runs)}
            return [
                {"run_id": run.info.run_id, **{tag: run.data.tags[tag] for tag in ("candidate", "decision", "verdict")},
                 "measures": measures_in(run.data.metrics)}
                for _, run in sorted(first.items())]

    def log_run(
        self, model: str, candidate: str, digest: str, *, parameters: Mapping[str, Any], settings: Mapping[str, Any],
        measures: list[dict[str, Any]], decision: str, verdict: str, estimator: Any = None,
    ) -> None:
        """One run of `candidate` on the examples of `digest`, with its fitted model if given; a finished one is left as it is."""
        with self._mlflow() as mlflow:
            client = mlflow.MlflowClient()
            for run in self._runs(mlflow, model, digest):
                if run.data.tags["candidate"] == candidate:
                    if run.info.status == "FINISHED":
                        return
                    client.delete_run(run.info.run_id)
            tags = {
                "candidate": candidate, "examples_digest": digest, "decision": decision, "verdict": verdict,
                "wayprint": installed_or_unknown("wayprint"), **{f"input.{table}": str(number) for table, number in self.inputs.items()}}
            experiment_id = self._experiment(mlflow, model)
            run_id = client.create_run(experiment_id, run_name=candidate, tags=tags).info.run_id
            metrics = {
                name: float(value) for row in measures
                for name, value in ((row["measure"], row["value"]), (f"{row['measure']}.low", row["low"]), (f"{row['measure']}.high", row["high"]))
                if value is not None}
            flat = {f"settings.{name}": value for name, value in settings.items() if not isinstance(value, Mapping)}
            client.log_batch(
                run_id, metrics=[mlflow.entities.Metric(name, value, 0, 0) for name, value in metrics.items()],
                params=[mlflow.entities.Param(name, str(value)) for name, value in (dict(parameters) | flat).items()])
            client.log_dict(run_id, dict(settings), "settings.json")
            if estimator is not None:
                self._log_model(mlflow, run_id, estimator)
            client.set_terminated(run_id, "FINISHED")

    def register(self, model: str, run_id: str) -> str:
        """The version of `model` that holds this run's fitted model; made if it is not there yet."""
        with self._mlflow() as mlflow:
            client = mlflow.MlflowClient()
            with contextlib.suppress(mlflow.exceptions.MlflowException):
                client.create_registered_model(model)
            if made := client.search_model_versions(f"name = '{model}' and run_id = '{run_id}'"):
                return str(made[0].version)
            run = client.get_run(run_id)
            model_id = run.data.tags["model_id"]
            tags = {name: run.data.tags[name] for name in ("candidate", "examples_digest", "verdict", "model_id")}
            return str(client.create_model_version(model, f"models:/{model_id}", run_id, tags=tags, model_id=model_id).version)

    def promote(self, model: str, version: str) -> None:
        """Make `version` the champion, once: repeated later, it does not displace the champion that followed."""
        with self._mlflow() as mlflow:
            client = mlflow.MlflowClient()
            if "promoted" not in client.get_model_version(model, version).tags:
                client.set_registered_model_alias(model, CHAMPION, version)
                client.set_model_version_tag(model, version, "promoted", "true")

    def champion(self, model: str) -> tuple[Any, str] | None:
        """The fitted champion and its version, or None if there is none."""
        with self._mlflow() as mlflow:
            try:
                version = mlflow.MlflowClient().get_registered_model(model).aliases.get(CHAMPION)
            except mlflow.exceptions.MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return None
            if version is None:
                return None
            key = (model, str(version))
            if key not in self._loaded:
                self._loaded[key] = mlflow.sklearn.load_model(self._location(mlflow, *key))
            return self._loaded[key], str(version)

    def _location(self, mlflow: Any, model: str, version: str) -> str:
        """Where a version's files are; beside the store if they are there, so that a lake may be moved."""
        model_id = mlflow.MlflowClient().get_model_version(model, version).tags.get("model_id")
        beside = self.artifacts / "models" / model_id / "artifacts" if self.artifacts and model_id else None
        return str(beside) if beside and beside.exists() else f"models:/{model}/{version}"

    def _runs(self, mlflow: Any, model: str, digest: str) -> list[Any]:
        """Oldest first, from all experiments of the model."""
        experiments = [found.experiment_id for found in self._experiments(mlflow, model)]
        found = mlflow.MlflowClient().search_runs(experiments, f"tags.examples_digest = '{digest}'") if experiments else []
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    def _experiments(self, mlflow: Any, model: str) -> list[Any]:
        return list(mlflow.MlflowClient().search_experiments(filter_string=f"tags.model = '{model}'"))

    def _experiment(self, mlflow: Any, model: str) -> str:
        """The model's experiment. MLflow fixes the place of its files at birth: a lake that was moved gets another one."""
        place = self.artifacts.as_uri() if self.artifacts else None
        known = self._experiments(mlflow, model)
        for experiment in known:
            if place is None or experiment.artifact_location == place:
                return str(experiment.experiment_id)
        name = f"{model}_{len(known) + 1}" if known else model
        return str(mlflow.MlflowClient().create_experiment(name, artifact_location=place, tags={"model": model}))

    def _log_model(self, mlflow: Any, run_id: str, estimator: Any) -> None:
        """As skops, trusting just the types this very model consists of; the schema is written from names, not from rows."""
        import numpy as np
        import skops.io
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema, TensorSpec

        signature = ModelSignature(
            inputs=Schema([ColSpec("double", name) for name in estimator.feature_names_in_]),
            outputs=Schema([TensorSpec(np.dtype("float64"), (-1, 2))]))
        with mlflow.start_run(run_id=run_id):
            logged = mlflow.sklearn.log_model(
                estimator, name="model", signature=signature, serialization_format="skops", pyfunc_predict_fn="predict_proba",
                pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
                skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(estimator)))
            mlflow.set_tag("model_id", logged.model_id)

    @contextlib.contextmanager
    def _mlflow(self) -> Iterator[Any]:
        """MLflow, imported when first needed (seconds), speaking to this store, without telemetry or chatter."""
        with self.alone():
            os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
            os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
            import mlflow
            import mlflow.sklearn

            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            yield mlflow


def measures_in(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """The measures, sorted by name, back from the metrics as `log_run` names them."""
    names = sorted(name for name in metrics if not name.endswith((".low", ".high")))
    return [{"measure": n, "value": metrics[n], "low": metrics.get(f"{n}.low"), "high": metrics.get(f"{n}.high")} for n in names]


def installed_or_unknown(package: str) -> str:
    try:
        return installed(package)
    except ImportError:
        return "not installed as a package"
