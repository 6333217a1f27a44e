"""What the Python scripts of a project read and write, as far as their text says it.

`mltui init` makes stages of them. Only literal file names in calls that load or save are believed;
nothing is imported or run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PHASES = {
    "data": (
        "acquire",
        "download",
        "fetch",
        "collect",
        "scrape",
        "ingest",
        "load",
        "extract",
        "clean",
        "prepare",
        "preprocess",
        "process",
        "split",
        "features",
        "featurize",
        "vectorize",
        "tokenize",
    ),
    "training": ("train", "fit", "finetune", "tune", "evaluate", "eval", "validate", "score"),
    "inference": ("predict", "infer", "translate", "export"),
}
"""Words that a script's name has when it is a step of a pipeline, in the order of the steps."""

_WRITERS = {
    "to_csv",
    "to_parquet",
    "to_json",
    "to_pickle",
    "to_feather",
    "to_hdf",
    "dump",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "savefig",
    "save_model",
    "save_pretrained",
    "write_text",
    "write_bytes",
    "write_csv",
    "write_parquet",
}
_READERS = {
    "read_csv",
    "read_parquet",
    "read_json",
    "read_pickle",
    "read_feather",
    "read_hdf",
    "read_excel",
    "load",
    "loadtxt",
    "genfromtxt",
    "load_model",
    "from_pretrained",
    "read_text",
    "read_bytes",
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script that looks like a step."""

    path: str
    """From the project's folder."""
    phase: str
    rank: int
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As a stage: letters, digits, `_` and `-`."""
        words = "".join(
            c if (c.isalnum() or c == "_") and c.isascii() else "-" for c in Path(self.path).stem
        )
        return words.strip("-_")


def find_scripts(root: Path) -> list[Script]:
    """Scripts in the project's folder and in `src` and `scripts`, in the order of their names."""
    found: dict[str, Script] = {}
    for folder in (root, root / "scripts", root / "src"):
        for file in sorted(folder.glob("*.py")):
            place = _place(file.stem)
            if place is None or not file.is_file():
                continue
            phase, rank = place
            reads, writes = _files(file)
            path = file.relative_to(root).as_posix()
            script = Script(path, phase, rank, reads, writes)
            if script.name[:1].isalpha():
                found.setdefault(script.name, script)
    return sorted(found.values(), key=lambda script: script.rank)


def _place(stem: str) -> tuple[str, int] | None:
    """The phase that a script's name speaks of, and how far down the pipeline it is."""
    if stem.startswith(("test_", "_")) or stem.endswith("_test"):
        return None
    words = stem.lower().replace("-", "_").split("_")
    rank = 0
    for phase, verbs in PHASES.items():
        for verb in verbs:
            rank += 1
            if verb in words:
                return phase, rank
    return None


def _files(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """File names that it reads and that it writes."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return (), ()
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _called(node.func)
            names = [path for path in map(_literal, _arguments(node)) if path]
            if name == "open":
                (writes if _opens_to_write(node) else reads).update(dict.fromkeys(names[:1]))
            elif name in _WRITERS:
                writes.update(dict.fromkeys(names[:1]))
            elif name in _READERS:
                reads.update(dict.fromkeys(names[:1]))
    return tuple(name for name in reads if name not in writes), tuple(writes)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _arguments(call: ast.Call) -> list[ast.expr]:
    """What may be the file: arguments, and `Path("x")` in `Path("x").read_text()`."""
    found = [*call.args, *(word.value for word in call.keywords)]
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        found = [*call.func.value.args, *found]
    # `joblib.dump(model, open("m.pkl", "wb"))` and `dump(x, Path("m.pkl"))`
    for argument in list(found):
        if isinstance(argument, ast.Call) and _called(argument.func) == "Path":
            found += argument.args
    return found


def _opens_to_write(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    if isinstance(call.func, ast.Attribute):  # Path("x").open("w")
        modes += call.args[:1]
    return any(
        isinstance(mode, ast.Constant)
        and isinstance(mode.value, str)
        and bool(set(mode.value) & set("wax"))
        and len(mode.value) <= 3
        for mode in modes
    )


def _literal(node: ast.expr) -> str | None:
    """A relative file name with a suffix; None for everything else."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    path = PurePosixPath(node.value)
    text = str(path)
    is_plain = all(c.isalnum() or c in "._-/" for c in text) and text.isascii()
    if not is_plain or not path.suffix or path.is_absolute() or ".." in path.parts:
        return None
    return text
