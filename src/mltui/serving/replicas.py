"""A replica as an attempt: its folders, its command, what it is told.

Called by the keeper. Everything follows from the version and the replica's number, so that a
supervisor after a crash describes the same attempt and finds it.
"""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

from mltui.engines.protocol import Attempt, Built, Engine
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import Instance
from mltui.runs import attempts, secretfiles
from mltui.runs.attempts import Place
from mltui.runs.code import materialise_code
from mltui.runs.planning import NO_CODE, environment_of
from mltui.runs.project import Project
from mltui.runs.store import Store
from mltui.serving.releases import as_stage, spec_of
from mltui.serving.rows import Replica, Version
from mltui.spec import contract
from mltui.spec.model import Environment, Ref, Service, Spec, Stage
from mltui.spec.template import format_value, render

FOLDER = "serving"
RECORDS = "records.jsonl"


class Plan:
    """A version, ready to be made replicas of."""

    def __init__(self, project: Project, store: Store, version: Version) -> None:
        from dataclasses import replace

        self.project, self.store, self.version = project, store, version
        spec = spec_of(store, version)
        self.service: Service = spec.services[version.deployment.partition("@")[0]]
        self.stage: Stage = as_stage(self.service)
        # What lays out stages finds this one by its name.
        self.spec: Spec = replace(spec, stages={**spec.stages, self.stage.name: self.stage})
        self.environment: Environment | None = environment_of(self.spec, Instance(self.stage.name))
        self.built: Built | None = None

    def place(self, number: int) -> Place:
        """The folders of a replica."""
        folder = folder_of(self.project, self.version.deployment) / str(number)
        secrets = self.project.folder / attempts.SECRETS / f"serving-{_slug(self.version)}-{number}"
        return Place(folder, folder / "work", secrets)

    def attempt(self, replica: Replica, engine: Engine) -> Attempt:
        """What the engine needs of it. Touches no file."""
        place = self.place(replica.number)
        view = attempts.seen_by(engine, place)
        port = self.port_inside(replica, engine)
        records = records_inside(place, engine)
        values = attempts.values_of(
            self.spec, self.stage, Instance(self.stage.name), view, dict(self.version.params)
        )
        values[Ref("port")] = port
        values[Ref("records")] = records
        env = {
            "MLTUI_SERVICE": self.service.name,
            "MLTUI_VERSION": str(self.version.number),
            "MLTUI_REPLICA": str(replica.number),
            contract.RECORDS: records,
            contract.METRICS: view.metrics,
        }
        if port is not None:
            env["MLTUI_PORT"] = str(port)
        for ref, value in values.items():
            if ref.kind in ("inputs", "params"):
                env[contract.variable_name(ref.kind, ref.name)] = format_value(value)
        for name in self.stage.secrets:
            env[contract.variable_name("secrets", name)] = f"{view.secrets}/{name}"
        variables = dict(self.environment.variables) if self.environment is not None else {}
        is_inside = engine.name != "process"
        return Attempt(
            name=f"{self.spec.name}-{mark_of(self.project)}-{_slug(self.version)}-{replica.number}",
            labels={
                "mltui.project": self.spec.name,
                "mltui.service": self.service.name,
                "mltui.target": self.version.deployment.partition("@")[2],
                "mltui.version": str(self.version.number),
                "mltui.replica": str(replica.number),
            },
            argv=tuple(render(self.service.run, values)),
            env={**variables, **env},
            folder=place.folder,
            work=place.work,
            built=self.built,
            resources=self.service.resources,
            network=True,
            secrets=place.secrets if self.stage.secrets else None,
            port=port if is_inside else None,
            shared=place.folder / "shared" if is_inside else None,
        )

    def port_inside(self, replica: Replica, engine: Engine) -> int | None:
        """What `${port}` is: on this machine each replica has its own."""
        return replica.port if engine.name == "process" else self.service.port

    def lay_out(self, number: int) -> None:
        """Make and fill the folders. Blocks for as long as copying takes. StoreError, StartFailed.

        What a replica of the same number left goes.
        """
        place = self.place(number)
        attempts.make_folders(place)
        attempts.remove_tree(place.secrets)
        shared = place.folder / "shared"
        shared.mkdir()
        shared.chmod(0o777)  # in a container it may be anybody who writes there
        if self.version.code != NO_CODE:
            materialise_code(self.version.code, place.work, self.store)
        values = {
            name: InputValue(artifact=one.artifact)
            if one.artifact is not None
            else InputValue(items=one.items)
            for name, one in self.version.inputs.items()
        }
        attempts.put_inputs(self.store, self.spec, self.stage, values, {}, place.work)
        if self.stage.secrets:
            root = self.project.root
            found = secretfiles.read_secrets(self.spec, self.stage.secrets, root, os.environ)
            secretfiles.write_secrets(found, place.secrets)


def folder_of(project: Project, deployment: str) -> Path:
    """Where the replicas of a deployment are."""
    return project.folder / FOLDER / deployment


def records_of(project: Project, deployment: str, number: int) -> Path:
    """The file that a replica's records are in, on this machine."""
    return folder_of(project, deployment) / str(number) / "shared" / RECORDS


def records_inside(place: Place, engine: Engine) -> str:
    """The same file as the replica sees it."""
    shared = getattr(engine, "SHARED", None) or str(place.folder / "shared")
    return f"{shared}/{RECORDS}"


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _slug(version: Version) -> str:
    return version.deployment.replace("@", "-")


def mark_of(project: Project) -> str:
    """Two checkouts of one project are told apart by their folders."""
    return hashlib.sha256(os.fsencode(project.root)).hexdigest()[:8]


def last_line(log: Path) -> str:
    """`: ` and the last words of a replica, as far as a sentence takes them; empty without any."""
    from mltui.logs.errors import exception_of, last_lines
    from mltui.logs.sanitize import plain

    try:
        lines = last_lines(log, 50)
    except OSError:
        return ""
    said = exception_of(b"\n".join(lines)) or plain(
        next((x for x in lines[::-1] if x.strip()), b"")
    )
    return f": {said[:200]}" if said else ""
