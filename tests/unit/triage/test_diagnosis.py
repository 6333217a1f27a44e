"""From facts to findings: one a cause, the most harmful first, the same from a record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mltui.triage.diagnosis import count, diagnose, folded, ordered
from mltui.triage.facts import (
    BuildFact,
    ContainerFact,
    Declared,
    Facts,
    Gate,
    RunFact,
    StageFact,
    Term,
    Written,
)
from mltui.triage.finding import Finding, Fix, Harm, Retry, SetValue
from mltui.triage.recording import BadRecord, read_facts, write_facts
from mltui.triage.rules import rules
from mltui.triage.rules.stage_memory import more

AT = 1_764_072_000.0
MI = 1 << 20
MEMORY = Written(
    ("stages", "train", "resources", "memory"),
    "mltui.yaml",
    31,
    "resources: {cpu: 1, memory: 512Mi}",
    "512Mi",
)
TRAIN = Declared(
    "train",
    Written(("stages", "train", "run"), "mltui.yaml", 28, "run: python -m digits.train"),
    program="python -m digits.train",
    environment="train",
    requirements="env/train.txt",
    memory=MEMORY,
    memory_bytes=512 * MI,
)
FAILED = StageFact(
    14,
    "train",
    "train~2",
    "failed",
    attempt=3,
    path=(2,),
    engine="docker",
    object="c0ffee",
    failure="program",
    reason="exit code 1",
    exit_code=1,
    started_at=AT - 461,
    ended_at=AT - 420,
)
RUN = RunFact(14, "failed", started_at=AT - 500, ended_at=AT - 420)


def facts(*stages: StageFact, declared: Declared = TRAIN, **more: object) -> Facts:
    values: dict[str, object] = {
        "project": "digits",
        "declared": {declared.stage: declared},
        "runs": (RUN,),
        "stages": stages,
    }
    return Facts(AT, **{**values, **more})  # type: ignore[arg-type]


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, [each.title for each in found]
    return found[0]


def texts(finding: Finding) -> str:
    return "\n".join(each.text for each in finding.evidence)


def test_every_rule_says_what_it_tells() -> None:
    assert len(rules()) >= 10
    assert all(rule.about.endswith(".") and rule.name for rule in rules())


def test_nothing_is_wrong_with_a_run_that_went_well() -> None:
    fine = replace(FAILED, state="succeeded", failure="", exit_code=0, reason="")
    assert diagnose(facts(fine, runs=(replace(RUN, state="succeeded"),))) == []


@pytest.mark.parametrize("code", [137, 143, 255])
@pytest.mark.parametrize("was_asked", [True, False, None])
def test_a_container_that_a_person_stopped_is_no_fault(code: int, was_asked: bool | None) -> None:
    """Whatever Docker says of its end: of one that had hardly begun, 255."""
    container = ContainerFact(
        "c0ffee", "db", "docker", state="exited", exit_code=code, was_asked=was_asked
    )
    assert (diagnose(facts(containers=(container,))) == []) == (was_asked is True)


# --- memory, the whole chain ----------------------------------------------------------------------


def test_memory_leads_from_the_stage_to_its_container_to_the_line_to_the_change() -> None:
    stage = replace(
        FAILED,
        failure="memory",
        exit_code=137,
        peak_memory_bytes=512 * MI,
        last_lines=("epoch 7  loss 0.121", "building kernel matrix"),
    )
    container = ContainerFact(
        "c0ffee", "digits-14-train-2", "docker", state="exited", exit_code=137, is_oom=True,
        project="digits", run=14, stage="train~2.3", memory_limit_bytes=512 * MI,
    )  # fmt: skip
    found = only(diagnose(facts(stage, containers=(container,))))
    assert found.title == "train~2 of run 14 runs out of memory"
    assert found.harm is Harm.URGENT and found.counted == "3 attempts"
    said = texts(found)
    assert "mltui.yaml:31  resources: {cpu: 1, memory: 512Mi}" in said
    assert 'killed at its limit: 512 MiB of 512 MiB after 41s at "building kernel matrix"' in said
    assert "container digits-14-train-2: exited, exit code 137, out of memory" in said
    assert {each.opens.kind for each in found.evidence if each.opens} >= {
        "file", "container", "log", "stage",
    }  # fmt: skip
    assert found.fixes[0] == Fix(
        "set memory: 768Mi in mltui.yaml:31 and retry",
        (SetValue(MEMORY.path, "512Mi", "768Mi", 31), Retry(14, "train~2")),
    )
    assert found.fixes[1].title == "retry as it is"


def test_a_kill_near_the_limit_is_a_guess_and_says_so() -> None:
    stage = replace(FAILED, exit_code=137, reason="ended by SIGKILL", peak_memory_bytes=500 * MI)
    found = only(diagnose(facts(stage)))
    assert "out of memory" in found.title and found.confidence < 1
    far = replace(stage, peak_memory_bytes=100 * MI)
    found = only(diagnose(facts(far)))
    assert "killed from outside" in found.title


@pytest.mark.parametrize(
    ("written", "limit", "peak", "wanted"),
    [
        ("512Mi", 512 * MI, 0, "768Mi"),
        ("1Gi", 1024 * MI, 0, "1536Mi"),
        ("2Gi", 2048 * MI, 0, "3Gi"),
        ("500M", 500_000_000, 0, "750M"),
        ("1G", 10**9, 2 * 10**9, "3G"),
    ],
)
def test_more_memory_is_written_as_it_was(written: str, limit: int, peak: int, wanted: str) -> None:
    assert more(written, limit, peak) == wanted


# --- programs -------------------------------------------------------------------------------------


def test_an_exception_its_line_and_the_editor_there() -> None:
    lines = (
        "Traceback (most recent call last):",
        '  File "/mltui/work/digits/train.py", line 33, in main',
        "    raise ValueError('bad c')",
        "ValueError: bad c",
    )
    stage = replace(FAILED, exception="ValueError: bad c", last_lines=lines)
    found = only(diagnose(facts(stage)))
    assert found.title == "train~2 of run 14 failed: ValueError: bad c"
    assert "digits/train.py:33" in texts(found)
    assert [fix.title for fix in found.fixes] == ["edit digits/train.py:33", "retry as it is"]


@pytest.mark.parametrize(
    ("exception", "code", "title"),
    [
        ("ModuleNotFoundError: No module named 'sklearn.svm'", 1, "lacks the module sklearn"),
        ("sh: 1: Rscript: not found", 127, "can't find the program Rscript"),
        ("", 126, "may not execute python -m digits.train"),
        ("", 139, "memory that is not its own (SIGSEGV)"),
        ("", 143, "was told to stop (SIGTERM)"),
        ("", 3, "failed with exit code 3"),
        ("std::bad_alloc", 134, "could not get the memory it asked for"),
    ],
)
def test_what_programs_die_of(exception: str, code: int, title: str) -> None:
    found = only(diagnose(facts(replace(FAILED, exception=exception, exit_code=code))))
    assert title in found.title


def test_a_missing_module_names_the_requirements_to_edit() -> None:
    stage = replace(FAILED, exception="ModuleNotFoundError: No module named 'numpy'")
    found = only(diagnose(facts(stage)))
    assert "env/train.txt does not install it" in found.cause
    assert found.fixes[0].title == "edit env/train.txt:1"


# --- the rest of a pipeline -----------------------------------------------------------------------


def test_a_timeout_tells_earlier_times_and_offers_twice_as_long() -> None:
    timeout = Written(("stages", "train", "timeout"), "mltui.yaml", 32, "timeout: 10m", "10m")
    declared = replace(TRAIN, timeout=timeout, timeout_s=600.0)
    stage = replace(FAILED, failure="timeout", earlier_s=(38.0, 41.0))
    found = only(diagnose(facts(stage, declared=declared)))
    assert "it probably hangs" in found.cause
    assert "earlier runs took 38s to 41s" in texts(found)
    assert found.fixes[0].title == "set timeout: 20m in mltui.yaml:32 and retry"


def test_missing_outputs_and_metrics_name_what_declares_them() -> None:
    reason = "output `model` is missing: the command left no file at model.joblib"
    found = only(diagnose(facts(replace(FAILED, failure="contract", reason=reason))))
    assert found.title == "train~2 of run 14 did not leave its output model"
    assert found.cause == reason


def test_a_gate_tells_by_how_much_and_where_it_goes() -> None:
    written = Written(("stages", "evaluate", "gate", "require"), "mltui.yaml", 40, "require: …")
    gate = Gate("accuracy >= 0.98", written, (Term("accuracy", ">=", 0.98),), restart="train")
    declared = Declared("evaluate", written, gate=gate)
    rounds = [
        replace(
            FAILED, stage="evaluate", label=f"evaluate~{n}", path=(n,), state="succeeded",
            failure="", gate="not-passed", metrics={"accuracy": value},
        )
        for n, value in enumerate((0.848, 0.943, 0.961), 1)
    ]  # fmt: skip
    found = only(diagnose(facts(*rounds, declared=declared)))
    assert found.title == "evaluate~3 of run 14 did not pass its gate after 3 rounds"
    assert found.cause == "accuracy 0.961, needs ≥ 0.98: 0.019 short"
    assert "0.848 → 0.943 → 0.961, about 2 more rounds at this pace" in texts(found)
    worse = [replace(r, metrics={"accuracy": 0.9 - 0.1 * n}) for n, r in enumerate(rounds)]
    assert "getting worse" in texts(only(diagnose(facts(*worse, declared=declared))))
    best = [*rounds[:2], replace(rounds[2], gate="accepted-best")]
    found = only(diagnose(facts(*best, declared=declared, runs=(replace(RUN, state="succeeded"),))))
    assert found.harm is Harm.WARNING


def test_a_failed_build_explains_every_stage_that_waits_for_it() -> None:
    build = BuildFact(
        "prep-3", "prep", "failed", file="images/prep/Dockerfile", line=11,
        text="RUN pip install -r prep.txt", requirement_file="env/prep.txt", requirement_line=2,
        requirement="numpy==1.99", message="ERROR: No matching distribution found for numpy==1.99",
    )  # fmt: skip
    stages = [
        replace(FAILED, stage=name, label=name, path=(), failure="build", build="prep-3")
        for name in ("clean", "ocr")
    ]
    found = only(diagnose(facts(*stages, builds=(build,))))
    assert found.title == "environment prep can't be built: there is no numpy==1.99"
    assert found.counted == "2 stages need it"
    said = texts(found)
    assert "images/prep/Dockerfile:11  RUN pip install -r prep.txt" in said
    assert "env/prep.txt:2  numpy==1.99" in said
    assert found.fixes[0].title == "edit env/prep.txt:2"


@pytest.mark.parametrize(
    ("message", "title"),
    [
        (
            'failed to resolve reference "localhost:5000/ml/base:v9": not found',
            "image localhost:5000/ml/base:v9 does not exist",
        ),
        (
            "pull access denied for secret/base, repository does not exist or may require 'docker "
            "login': denied: requested access to the resource is denied",
            "image secret/base needs a login",
        ),
        ("write /var/lib/x: no space left on device", "no room left to build environment prep"),
        ("E: Unable to locate package tesseract-ox", "no package tesseract-ox"),
        ("exec /bin/sh: exec format error", "is built for another architecture"),
        ("/bin/sh: 1: gcc: not found", "no program gcc"),
    ],
)
def test_why_builds_fail(message: str, title: str) -> None:
    build = BuildFact("prep-1", "prep", "failed", message=message)
    stage = replace(FAILED, failure="build", build="prep-1")
    assert title in only(diagnose(facts(stage, builds=(build,)))).title


def test_packages_that_don_t_go_together() -> None:
    lines = (
        "ERROR: Cannot install -r /requirements.txt (line 1) and numpy==2.1.0 because these",
        "The conflict is caused by:",
        "    The user requested numpy==2.1.0",
        "    scipy 1.11.4 depends on numpy<1.28.0 and >=1.21.6",
        "To fix this you could try to:",
    )
    build = BuildFact("prep-1", "prep", "failed", message=lines[0], last_lines=lines)
    stage = replace(FAILED, failure="build", build="prep-1")
    found = only(diagnose(facts(stage, builds=(build,))))
    assert found.cause == (
        "scipy 1.11.4 depends on numpy<1.28.0 and >=1.21.6, and numpy==2.1.0 is asked for"
    )


@pytest.mark.parametrize(
    "message",
    [
        "invalid from flag value bulder: pull access denied for bulder, repository does not exist",
        "bulder: failed to resolve source metadata for docker.io/library/bulder:latest: not found",
    ],
)
def test_a_stage_of_the_dockerfile_that_is_not_there(message: str) -> None:
    text = "COPY --from=bulder /x /x"
    build = BuildFact("prep-1", "prep", "failed", message=message, text=text)
    stage = replace(FAILED, failure="build", build="prep-1")
    found = only(diagnose(facts(stage, builds=(build,))))
    assert found.cause == "--from=bulder names no stage of the Dockerfile, and no image"


def test_a_run_that_was_just_asked_for_waits_for_its_runner_a_moment() -> None:
    waits = replace(RUN, state="pending", has_runner=False, created_at=AT - 3, ended_at=None)
    assert not diagnose(facts(runs=(waits,)))
    found = only(diagnose(facts(runs=(replace(waits, created_at=AT - 30),))))
    assert "no runner is there to begin it" in found.cause


def test_a_dead_runner_explains_what_it_left_behind() -> None:
    stage = replace(FAILED, state="running", failure="", ended_at=None)
    found = only(diagnose(facts(stage, runs=(replace(RUN, state="running", has_runner=False),))))
    assert found.title == "run 14 has no runner"
    assert "train~2" in texts(found)


def test_silence_is_stuck_only_beside_earlier_runs() -> None:
    running = replace(
        FAILED, state="running", failure="", ended_at=None, started_at=AT - 900, quiet_s=800.0,
    )  # fmt: skip
    calm = facts(running, runs=(replace(RUN, state="running"),))
    assert diagnose(calm) == []
    known = replace(running, earlier_s=(40.0, 60.0))
    found = only(diagnose(replace(calm, stages=(known,))))
    assert found.title == "train~2 of run 14 probably hangs" and found.confidence < 1
    slow = replace(running, earlier_s=(700.0,))
    assert diagnose(replace(calm, stages=(slow,))) == []


def test_only_the_first_stale_result_is_told() -> None:
    fine = replace(FAILED, state="succeeded", failure="", is_stale=True, reason="code changed")
    stages = [replace(fine, stage=name, label=name, path=()) for name in ("acquire", "clean")]
    found = only(diagnose(facts(*stages, runs=(replace(RUN, state="succeeded"),))))
    assert found.object == "acquire of run 14" and found.harm is Harm.WARNING


def test_items_are_told_rather_than_their_whole() -> None:
    whole = replace(FAILED, stage="say", label="say", path=())
    items = [replace(whole, label=f"say[{x}]", item=x, reason="exit code 2") for x in ("a", "b")]
    found = diagnose(facts(whole, *items))
    assert {each.object for each in found} == {"say[a] of run 14", "say[b] of run 14"}


def test_what_failed_in_an_earlier_round_is_past() -> None:
    later = replace(FAILED, label="train~3", path=(3,), state="running", failure="")
    assert diagnose(facts(FAILED, later, runs=(replace(RUN, state="running"),))) == []


# --- folding and order ----------------------------------------------------------------------------


def finding(key: str, *explains: str, **more: object) -> Finding:
    return Finding("r", key, key, "broken", Harm.WRONG, explains=explains, **more)  # type: ignore[arg-type]


def test_symptoms_of_symptoms_are_folded_under_the_first_cause() -> None:
    found = folded([finding("a", "b"), finding("c"), finding("b", "d"), finding("d")])
    assert [each.key for each in found] == ["a", "c"]
    assert len(found[0].symptoms) == 2


def test_two_that_explain_each_other_leave_one() -> None:
    assert [each.key for each in folded([finding("a", "b"), finding("b", "a")])] == ["a"]


def test_the_most_harmful_come_first_then_the_newest() -> None:
    note = replace(finding("n"), harm=Harm.NOTE)
    old, new = finding("o", since=1.0), finding("w", since=2.0)
    urgent = replace(finding("u"), harm=Harm.URGENT)
    found = ordered([note, old, new, urgent])
    assert [each.key for each in found] == ["u", "w", "o", "n"]
    assert count(found) == 3


# --- records --------------------------------------------------------------------------------------


def test_a_record_gives_the_same_findings() -> None:
    stage = replace(FAILED, failure="memory", peak_memory_bytes=512 * MI, metrics={"loss": 1.0})
    before = facts(stage, unseen=("no rights",))
    after = read_facts(write_facts(before))
    assert after == before
    assert diagnose(after) == diagnose(before)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "this is not JSON"),
        ("[]", "it lacks `mltui-facts: 1`"),
        ("{}", "it lacks `mltui-facts: 1`"),
        ('{"mltui-facts": 1}', "the record is damaged: .*`at`"),
        ('{"mltui-facts": 1, "at": "x"}', r"the record is damaged: .*\$\.at"),
        (
            '{"mltui-facts": 1, "at": 1, "runs": [{"number": "1", "state": "failed"}]}',
            r"the record is damaged: .*\$\.runs\[0\]\.number",
        ),
    ],
)
def test_a_bad_record_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(BadRecord, match=why):
        read_facts(text)
