"""What the Kubernetes engine promises about one attempt, against a real cluster."""

from __future__ import annotations

import json

from mltui.engines.protocol import Stopped

from .box import Box


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
    facts = json.loads((attempt.folder / "pod.json").read_text())
    assert facts["namespace"] == box.namespace
