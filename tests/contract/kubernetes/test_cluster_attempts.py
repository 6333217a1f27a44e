"""What the Kubernetes engine promises about one attempt, against a real cluster."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

from mltui.engines.protocol import Stopped
from mltui.spec.model import Environment, Image

from .box import BASE, Box, patiently, until


async def test_success_brings_log_outputs_and_metrics(box: Box) -> None:
    shell = (
        'echo "hi $MLTUI_X"; echo bad >&2; cat sub/in >out.bin; mkdir -p d/e; echo x >d/e/f; '
        "ln -s f d/e/link; chmod +x out.bin; echo '{\"a\": 1}' >/mltui/metrics; echo no >undeclared"
    )
    attempt = await box.attempt(shell=shell, outputs=("out.bin", "d/", "missing"), MLTUI_X="é$(A)")
    data = bytes(range(256)) * 1000
    (attempt.work / "sub").mkdir()
    (attempt.work / "sub" / "in").write_bytes(data)
    (attempt.work / "odd ~[é]\udcff").touch()
    end = await box.run(attempt)
    assert (end.how, end.code, end.message) == (Stopped.EXITED, 0, "")
    assert attempt.log.read_text(encoding="utf-8") == "hi é$(A)\nbad\n"
    assert (attempt.work / "out.bin").read_bytes() == data
    assert (attempt.work / "out.bin").stat().st_mode & 0o111
    assert (attempt.work / "d" / "e" / "f").read_text() == "x\n"
    assert (attempt.work / "d" / "e" / "link").is_symlink()
    assert json.loads((attempt.folder / "metrics").read_text()) == {"a": 1}
    assert not (attempt.work / "missing").exists()
    assert not (attempt.work / "undeclared").exists()
    assert end.usage.cpu_s is not None
    facts = json.loads((attempt.folder / "container.json").read_text())
    assert facts["namespace"] == box.namespace
    assert facts["name"].startswith(facts["job"])
    # What a short stage brought to the store can come before its node tells when it began.
    assert facts["started_at"] > 0 and facts["start_s"] >= 0


async def test_an_image_without_a_shell_runs_a_list(box: Box, tmp_path: Path) -> None:
    root = tmp_path / "bare"
    root.mkdir()
    shutil.copyfile("/bin/busybox", root / "cat")
    (root / "cat").chmod(0o755)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(root / "cat", "cat")
    name = f"mltui-test-bare:{box.mark}"

    def docker(*argv: str, data: bytes = b"") -> None:
        env = box.cluster.environ
        subprocess.run(["docker", *argv], input=data, env=env, check=True, capture_output=True)

    docker("import", "-", name, data=packed.getvalue())
    try:
        bare = Environment("bare", image=Image(name=name))
        built = await box.engine.build(bare, tmp_path, tmp_path / "bare.log")
        attempt = await box.attempt("/cat", "in", built=built)
        (attempt.work / "in").write_text("seen")
        assert (await box.run(attempt)).code == 0
        assert attempt.log.read_text() == "seen"
    finally:
        docker("rmi", "-f", name)


async def test_another_runner_takes_over_with_a_whole_log(box: Box) -> None:
    """Also from another machine, whose folders are empty; secrets are there and go with the Job."""
    shell = "cat $MLTUI_SECRET_KEY >secret; seq 1000; sleep 3; cp secret out"
    secret = "/mltui/secrets/KEY"
    attempt = await box.attempt(shell=shell, outputs=("out",), MLTUI_SECRET_KEY=secret)
    (attempt.folder / "secrets").mkdir()
    (attempt.folder / "secrets" / "KEY").write_text("hush")
    obj = await box.engine.start(attempt)
    assert await box.engine.start(attempt) == obj  # a lost answer: it is the same Job
    other = box.another()
    far = replace(attempt, folder=box.root / "far", work=box.root / "far" / "work")
    far.work.mkdir(parents=True)
    assert await other.find(far) == obj
    end = await asyncio.wait_for(other.wait(far, obj), 240)
    assert end.code == 0
    assert far.log.read_text() == "".join(f"{n}\n" for n in range(1, 1001))
    assert (far.work / "out").read_text() == "hush"
    name = obj.partition("/")[0]
    get = ("-n", box.namespace, "--ignore-not-found", "-o", "name")
    assert box.cluster.kubectl("get", "secret", name, *get)
    await other.remove(far, obj)
    assert await other.find(far) is None
    for _ in range(300):
        if not box.cluster.kubectl("get", "secret,pod", "-l", f"mltui.record={name}", *get):
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError("its secret or its pod stayed")
    await other.close()


async def test_the_store_is_killed_and_what_it_has_is_kept(box: Box) -> None:
    """Its pod is replaced while a stage runs: nothing of the stage is lost."""
    shell = (
        "head -c 9000000 /dev/urandom >big; sha256sum big; "
        "for i in 1 2 3 4 5 6; do sleep 1; echo $i; done"
    )
    attempt = await box.attempt(shell=shell, outputs=("big",))
    obj = await box.engine.start(attempt)
    waiting = asyncio.ensure_future(patiently(box, attempt, obj))
    await until(lambda: attempt.log.exists() and b"big\n" in attempt.log.read_bytes())
    selector = ("-l", "app.kubernetes.io/name=mltui-store", "-n", box.namespace)
    await asyncio.to_thread(
        box.cluster.kubectl, "delete", "pod", *selector, "--grace-period=0", "--force"
    )
    end = await asyncio.wait_for(waiting, 240)
    await box.engine.remove(attempt, obj)
    assert end.code == 0
    lines = attempt.log.read_text().splitlines()
    assert lines[1:] == list("123456")
    digest = hashlib.sha256((attempt.work / "big").read_bytes()).hexdigest()
    assert lines[0].startswith(digest)


async def test_all_of_a_pod_runs_as_its_images_user_and_says_what_it_could_reach(
    box: Box, tmp_path: Path
) -> None:
    """Files that only that user may read are kept; the test cluster enforces no policies."""
    (tmp_path / "passwd").write_text("root:x:0:0::/:\napp:x:1234:1234::/:\n")
    (tmp_path / "group").write_text("app:x:1234:\nteam:x:1235:app\n")
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nCOPY passwd group /etc/\nUSER app:team\n")
    plain = Environment("plain", image=Image(build="."))
    built = await box.engine.build(plain, tmp_path, tmp_path / "build.log")
    shell = "umask 077; id -u >mine; id -g; sleep 2"
    attempt = await box.attempt(shell=shell, outputs=("mine",), built=built)
    obj = await box.engine.start(attempt)
    job = box.cluster.get("job", obj.partition("/")[0], "-n", box.namespace)
    assert job["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 1234
    (policy,) = box.cluster.get("networkpolicy", "-n", box.namespace)["items"]
    (chosen,) = policy["spec"]["podSelector"]["matchLabels"].items()
    assert chosen in job["spec"]["template"]["metadata"]["labels"].items()
    end = await asyncio.wait_for(box.engine.wait(attempt, obj), 240)
    await box.engine.remove(attempt, obj)
    assert (end.code, end.message) == (0, "")
    assert (attempt.work / "mine").read_text() == "1234\n"
    assert attempt.log.read_text() == "1235\n"
    facts = json.loads((attempt.folder / "container.json").read_text())
    if box.cluster.viewer is not None:
        assert facts["network"] == "open"
