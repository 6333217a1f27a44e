"""The parts that only read: Dockerfiles, steps, names, archives. No daemon is needed."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from mltui.engines.docker import archive, blame, dockerfile, images
from mltui.engines.docker.accounts import resolve
from mltui.engines.docker.archive import BadArchive
from mltui.engines.docker.buildx import Stream
from mltui.engines.docker.classic import read_refusal
from mltui.engines.docker.names import container_name, full_reference, image_tag
from mltui.engines.docker.recorder import decisive_line
from mltui.engines.docker.restarts import read_time
from mltui.engines.docker.steps import BuildStep, StepState, build_line, fold, step_line

from .pieces import cut

DOCKERFILE = """\
# escape=`
# a comment
ARG VERSION=3.11

FROM --platform=linux/amd64 python:${VERSION}-slim AS Build
RUN echo a `
    # amidst

    && echo b
COPY <<EOF <<-"END" /x/
RUN not an instruction
EOF
	FROM neither
	END
ENV A=1
from build
WORKDIR /w
COPY --from=nginx:1 /a /b
COPY --from=build /a /b
RUN <<EOF
set -e
EOF
CMD ["x"]
"""


def test_a_dockerfile_is_cut_into_instructions() -> None:
    found = dockerfile.parse(DOCKERFILE)
    assert found.escape == "`"
    places = [(each.keyword, each.line, each.end, each.stage) for each in found.instructions]
    assert places == [
        ("ARG", 3, 3, -1), ("FROM", 5, 5, 0), ("RUN", 6, 9, 0), ("COPY", 10, 14, 0),
        ("ENV", 15, 15, 0), ("FROM", 16, 16, 1), ("WORKDIR", 17, 17, 1), ("COPY", 18, 18, 1),
        ("COPY", 19, 19, 1), ("RUN", 20, 22, 1), ("CMD", 23, 23, 1),
    ]  # fmt: skip
    assert found.instructions[2].text == "echo a && echo b"
    assert [(s.name, s.base) for s in found.stages] == [
        ("build", "python:${VERSION}-slim"),
        ("stage-1", "build"),
    ]
    assert list(found.bases({})) == ["python:3.11-slim", "nginx:1"]
    assert list(found.bases({"VERSION": "3.12"})) == ["python:3.12-slim", "nginx:1"]
    assert list(found.bases({}, "build")) == ["python:3.11-slim"]
    assert found.declares("VERSION") and not found.declares("PIP_INDEX_URL")
    assert dockerfile.parse("").instructions == ()


@pytest.mark.parametrize(
    ("vertex", "line"),
    [
        ("[build 1/3] FROM docker.io/library/python:3.11-slim@sha256:1", 5),
        ("[build 2/3] RUN echo a     && echo b", 6),
        ("[build 3/3] COPY <<EOF <<-END /x/", 10),
        ("[linux/amd64 build 2/3] RUN echo a", 6),
        ("[stage-1 1/4] WORKDIR /w", 17),
        ("[stage-1 3/4] COPY --from=build /a /b", 19),
        ("[stage-1 2/9] COPY --from=nginx:1 /a /b", 18),
        ("[2/4] COPY --from=nginx:1 /a /b", 18),
        ("[stage-1 1/4] RUN something else", 0),
        ("[nobody 1/4] RUN x", 0),
        ("[internal] load build context", 0),
        ("exporting to image", 0),
    ],
)
def test_a_step_of_buildkit_is_found_in_it(vertex: str, line: int) -> None:
    _, found = dockerfile.parse(DOCKERFILE).at_vertex(vertex)
    assert (found.line if found else 0) == line


def test_variables_of_a_dockerfile() -> None:
    values = {"A": "x", "E": ""}
    text = r"$A ${A} ${B} ${B:-d} ${E:-d} ${A:+w} ${B:+w} \$A"
    assert dockerfile.substitute(text, values) == r"x x ${B} d d w  $A"


def test_steps_fold_into_a_tree() -> None:
    first = BuildStep("a", "RUN x", StepState.RUNNING, "one", "D", 3, "RUN x", 1.0)
    done = BuildStep("a", "RUN x", StepState.DONE, "one", "D", 3, "RUN x", 1.0, 3.5, "out")
    cached = BuildStep("b", "RUN y", StepState.CACHED, "", "D", 4)
    lines = [
        build_line(builder="buildx", started_at=1.0),
        *map(step_line, (first, done, cached)),
        "half a li",
        '{"step": {"id": "c", "name": "n", "state": "from the future"}}',
        '{"step": {"id": "d", "name": "n", "news": 1}}',
        build_line(layers=[{"size_bytes": 5, "created_by": "RUN x"}], fault=None, other=1),
    ]
    tree = fold(lines)
    assert [step.id for step in tree.steps] == ["a", "b", "d"]
    assert tree.steps[0] == done and tree.steps[0].duration_s == 2.5
    assert list(tree.groups) == ["one", ""]
    assert tree.cached_share == 0.5
    assert (tree.builder, tree.layers[0].size_bytes) == ("buildx", 5)
    assert tree.current is None
    assert fold(lines[:2]).current == first


@pytest.mark.parametrize("seed", range(5))
def test_buildx_output_however_it_is_cut(seed: int) -> None:
    objects = [{"vertexes": [{"digest": str(n), "name": "x\n{y"}]} for n in range(20)]
    text = b"#0 building\n"
    for number, each in enumerate(objects):
        text += json.dumps(each, indent=2 if number % 3 == 0 else None).encode() + b"\n"
    text += b"ERROR: failed to solve: {x}: exit code: 1"
    stream = Stream()
    found = [each for piece in cut(text, seed) for each in stream.feed(piece)]
    found += list(stream.finish())
    assert found == ["#0 building", *objects, "ERROR: failed to solve: {x}: exit code: 1"]


def test_refusals_with_a_line() -> None:
    for text in (
        "dockerfile parse error on line 12: unknown",
        "Dockerfile parse error line 12: unknown",
    ):
        assert (read_refusal(text).line, read_refusal(text).message) == (12, "unknown")
    assert read_refusal("other").line == 0


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["ERROR: No matching distribution found for x==9", "", "[notice] new pip"],
         "No matching distribution found for x==9"),
        (["E: Unable to locate package nope"], "E: Unable to locate package nope"),
        (["Traceback (most recent call last):", '  File "x"', "ValueError: bad", "done"],
         "ValueError: bad"),
        (["main.c:3: error: nope", "compilation ended"], "compilation ended"),
        (["a", "last words"], "last words"),
        ([], ""),
    ],
)  # fmt: skip
def test_the_decisive_line(lines: list[str], says: str) -> None:
    assert decisive_line(lines) == says


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (["ERROR: No matching distribution found for My.Package>=2"], 3),
        (["ERROR: Could not find a version that satisfies the requirement my_package==9 (from"], 3),
        (["ERROR: Invalid requirement: 'x y' (from line 4 of /src/b.txt)"], 4),
        (["  ERROR: Failed building wheel for other"], 1),
        (["ERROR: Failed to build other"], 1),
        (["something else"], 0),
    ],
)
def test_the_requirement_that_pip_means(tmp_path: Path, output: list[str], line: int) -> None:
    (tmp_path / "a.txt").write_text("nothing\n")
    (tmp_path / "b.txt").write_text("other\n# my-package\nmy-package>=2  # here\nx y\n")
    found = dockerfile.parse("RUN pip install -r /src/b.txt").instructions[0]
    place = blame.requirement_line(output, found, [tmp_path / "a.txt", tmp_path / "b.txt"])
    assert (place[1] if place else 0) == line
    assert place is None or place[0].name == "b.txt"


def test_an_image_that_was_pushed_elsewhere_is_the_same() -> None:
    image = {"Id": "sha256:1", "RepoDigests": ["localhost:5000/debian@sha256:2"]}
    assert images.digest_of(image, "debian:12") == "sha256:1"
    assert images.digest_of(image, "localhost:5000/debian:9") == "sha256:2"
    assert images.is_same(image, "localhost:5000/debian:9", "sha256:1"), "it was pushed since"
    image["RepoDigests"] = ["debian@sha256:3", *image["RepoDigests"]]
    for name in ("debian", "docker.io/library/debian:12", "docker.io/debian", "debian@sha256:3"):
        assert images.digest_of(image, name) == "sha256:3"
    assert not images.is_same(image, "debian", "sha256:9")


def test_names() -> None:
    assert container_name("a" * 300) != container_name("a" * 299 + "b")
    assert len(container_name("a" * 300)) < 150
    assert image_tag("digits", "train", "0123456789abcdef") == "mltui/digits-train:0123456789ab"
    odd = image_tag("My Project_é", "a--b", "0" * 32)
    assert odd.startswith("mltui/my-project-a-b-") and odd != image_tag(
        "My Project", "a--b", "0" * 32
    )
    assert full_reference("a/b") == ("a/b", "latest")
    assert full_reference("h:5000/b") == ("h:5000/b", "latest")
    assert full_reference("h:5000/b:1") == ("h:5000/b", "1")
    assert full_reference("h:5000/b:1@sha256:ab") == ("h:5000/b", "sha256:ab")


def test_times_of_the_api() -> None:
    assert read_time("2026-01-02T03:04:05.5Z") == 1767323045.5
    assert read_time("2026-01-02T04:04:05.500000000+01:00") == 1767323045.5
    assert read_time("2026-01-02T03:04:05Z") == 1767323045
    assert read_time("0001-01-01T00:00:00Z") is None
    assert read_time(None) is None and read_time("never") is None


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    file.seek(0)
    return file


def _info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info


def test_what_comes_back_stays_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    place = tmp_path / "work" / "out"
    place.parent.mkdir()
    top = (_info("out", tarfile.DIRTYPE), b"")
    for bad in (
        [(_info("out/../../outside/x"), b"!")],
        [(_info("/abs"), b"!")],
        [
            (_info("out/l", tarfile.SYMTYPE, str(tmp_path / "outside")), b""),
            (_info("out/l/x"), b"!"),
        ],
        [(_info("out/l", tarfile.SYMTYPE, "../../outside/x"), b""), (_info("out/l"), b"!")],
        [(_info("out/h", tarfile.LNKTYPE, "../outside/x"), b"")],
        [(_info("out/h", tarfile.LNKTYPE, "out/none"), b"")],
    ):
        with pytest.raises((BadArchive, OSError)):
            archive.extract(_tar(top, *bad), place)
    assert not list((tmp_path / "outside").iterdir())
    good = [
        (_info("out/a", tarfile.DIRTYPE), b""),
        (_info("out/f"), b"data"),
        (_info("out/h", tarfile.LNKTYPE, "out/f"), b""),
    ]
    dev = (_info("out/dev", tarfile.CHRTYPE), b"")
    archive.extract(_tar(top, *good, dev), place)
    assert (place / "h").read_bytes() == b"data"
    assert sorted(each.name for each in place.iterdir()) == ["a", "f", "h"]
    with pytest.raises(BadArchive):
        archive.extract(io.BytesIO(_tar(top, *good).read()[: 3 * 512 + 2]), place)


def test_what_goes_in_is_a_tar_that_others_read(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / ("n" * 150 + "é")).write_bytes(b"x" * 3_000_000)
    (tmp_path / "d" / "run").touch(0o700)
    (tmp_path / "d" / "l").symlink_to("run")
    data = b"".join(archive.pack([(tmp_path / "d", "a/b")]))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: member for member in tar}
        long = found["a/b/" + "n" * 150 + "é"]
        content = tar.extractfile(long)
        assert content is not None and content.read() == b"x" * 3_000_000
    assert (found["a/b"].mode, found["a/b/run"].mode, long.mode) == (0o777, 0o777, 0o666)
    assert found["a/b/l"].linkname == "run"


@pytest.mark.parametrize(
    ("name", "group", "found"),
    [
        ("app", "", "1234:50"),
        ("app", "team", "1234:1235"),
        ("app", "7", "1234:7"),
        ("1234", "team", "1234:1235"),
        ("99", "team", "99:1235"),
        ("99", "", ""),
        ("nobody", "", ""),
        ("app", "none", ""),
        ("odd", "", ""),
    ],
)
def test_a_user_of_an_image_in_numbers(name: str, group: str, found: str) -> None:
    users = ["root:x:0:0:root:/:/bin/sh", "", "half:x", "odd:x:abc:5::/:", "app:x:1234:50::/:"]
    assert resolve(name, group, users, ["root:x:0:", "team:x:1235:app", "x"]) == found
