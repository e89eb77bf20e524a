"""`cohort create`: whole repositories, the bytes of Copier, one learner's trouble is not another's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from shipfolio import engine
from shipfolio.cohort import lockfile
from shipfolio.project import ANSWERS_FILE
from tests.conftest import files_of, git
from tests.render.cohort.conftest import ROSTER

FAST = ("--no-lock", "--jobs", "1")


def states(outcome) -> dict[str, str]:
    return {one["id"]: one["state"] for one in json.loads(outcome.out)["learners"]}


@pytest.mark.parametrize("template", ["rag-platform", pytest.param("ai-saas", marks=pytest.mark.slow)])
def test_the_bytes_and_modes_are_those_of_copier(shipfolio, cohort, source, questionnaire, tmp_path, template) -> None:
    roster = 'id,name,provider,description\nann,"Ann ""{= 7*7 =}"" <b>",openai,\nbob,,bedrock,"Two\nlines; $(id)"\n'
    path = cohort(roster, template=template)
    planned = json.loads(shipfolio("cohort", "create", path, "--dry-run", "--json").out)["learners"]
    before = os.umask(0o077)  # Copier's modes do not depend on it
    try:
        assert shipfolio("cohort", "create", path, "--no-git", *FAST).code == 0
    finally:
        os.umask(before)
    for one in planned:
        public, ours = tmp_path / "public" / one["id"], tmp_path / "out" / one["id"]
        engine.render_public(replace(source), one["answers"], public)
        assert files_of(ours) == files_of(public)
        for name in files_of(ours):
            assert (ours / name).read_bytes() == (public / name).read_bytes(), name
            assert (ours / name).stat().st_mode == (public / name).stat().st_mode, name


def test_copier_takes_over_where_the_plan_cannot_read_the_templates(shipfolio, cohort, monkeypatch, tmp_path) -> None:
    from shipfolio import plan

    def refuse(*_arguments: object) -> None:
        raise plan.NotPlannable("unknown")

    monkeypatch.setattr(plan, "plan", refuse)
    assert states(shipfolio("cohort", "create", cohort("id,name\nann,Ann\n"), *FAST, "--json")) == {"ann": "created"}
    assert git(tmp_path / "out/ann", "status", "--porcelain") == ""


def test_each_repository_has_one_commit_and_only_its_own_objects(shipfolio, cohort, tmp_path: Path) -> None:
    assert set(states(shipfolio("cohort", "create", cohort(), *FAST, "--json")).values()) == {"created"}
    for name in ("ann", "bob", "cy"):
        repo = tmp_path / "out" / name
        assert git(repo, "status", "--porcelain") == ""
        assert git(repo, "log", "--format=%s").startswith("Start from shipfolio agent v")
        assert git(repo, "fsck", "--unreachable", "--no-dangling") == "", "nothing of another learner is in the pack"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ann", "bob", "cy"]


def test_running_again_leaves_what_is_there(shipfolio, cohort, tmp_path: Path) -> None:
    path = cohort()
    assert states(shipfolio("cohort", "create", path, "--only", "bob", *FAST, "--json")) == {"bob": "created"}
    (tmp_path / "out/bob/README.md").write_text("mine\n", "utf-8")
    again = states(shipfolio("cohort", "create", path, *FAST, "--json"))
    assert again == {"ann": "created", "bob": "present", "cy": "created"}
    assert (tmp_path / "out/bob/README.md").read_text("utf-8") == "mine\n"
    assert "not in the roster: 'bo' (did you mean 'bob'?)" in shipfolio("cohort", "create", path, "--only", "bo").err


def test_one_learners_trouble_is_told_at_the_end(shipfolio, cohort, tmp_path: Path) -> None:
    path = cohort()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/bob").mkdir(parents=True)
    (tmp_path / "out/bob/thesis.txt").write_text("precious", "utf-8")
    (tmp_path / "out/cy").symlink_to(tmp_path / "elsewhere")
    outcome = shipfolio("cohort", "create", path, *FAST)
    assert outcome.code == 3
    assert "1 created, 2 failed" in outcome.out
    assert "error: bob: failed: " in outcome.err
    assert "is not empty" in outcome.err
    assert "is a symbolic link" in outcome.err
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "out/bob/thesis.txt").read_text("utf-8") == "precious"


def test_a_dry_run_writes_nothing(shipfolio, cohort, tmp_path: Path) -> None:
    outcome = shipfolio("cohort", "create", cohort(), "--dry-run")
    assert "Would create 3 repositories from agent v" in outcome.out
    assert not (tmp_path / "out").exists()


def test_without_an_author_nothing_is_written(shipfolio, cohort, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "gitconfig").write_text("", "utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    outcome = shipfolio("cohort", "create", cohort(), *FAST)
    assert (outcome.code, (tmp_path / "out").exists()) == (1, False)
    assert "git knows no author" in outcome.err


def test_push_goes_to_each_remote_once_and_goes_on_after_a_failure(shipfolio, cohort, tmp_path: Path) -> None:
    path = cohort(more=f"remote: {tmp_path}/remotes/{{id}}.git\n")
    for name in ("ann", "cy"):
        git(tmp_path, "init", "--quiet", "--bare", f"{tmp_path}/remotes/{name}.git")
    first = shipfolio("cohort", "create", path, "--push", *FAST, "--json")
    assert states(first) == {"ann": "created", "bob": "failed", "cy": "created"}
    git(tmp_path, "init", "--quiet", "--bare", f"{tmp_path}/remotes/bob.git")
    assert states(shipfolio("cohort", "create", path, "--push", *FAST, "--json"))["bob"] == "present"
    for name in ("ann", "bob", "cy"):
        ours, theirs = tmp_path / "out" / name, tmp_path / f"remotes/{name}.git"
        assert git(ours, "rev-parse", "HEAD") == git(theirs, "rev-parse", "refs/heads/main")


def test_push_needs_a_remote(shipfolio, cohort) -> None:
    assert "needs a `remote:`" in shipfolio("cohort", "create", cohort(), "--push").err


def test_processes_make_the_same_as_one(shipfolio, cohort, tmp_path: Path) -> None:
    roster = "id,name\n" + "".join(f"l{n},Learner {n}\n" for n in range(10))
    assert shipfolio("cohort", "create", cohort(roster), "--no-git", "--no-lock", "--jobs", "2").code == 0
    (tmp_path / "out").rename(tmp_path / "two")
    assert shipfolio("cohort", "create", cohort(roster), "--no-git", *FAST).code == 0
    for n in range(10):
        one, two = tmp_path / f"out/l{n}", tmp_path / f"two/l{n}"
        assert {name: (one / name).read_bytes() for name in files_of(one)} == {
            name: (two / name).read_bytes() for name in files_of(two)
        }


@pytest.mark.slow
def test_a_killed_run_goes_on_with_nothing_half_made(process, run, cohort, tmp_path: Path) -> None:
    roster = "id,name\n" + "".join(f"l{n:03d},Learner {n}\n" for n in range(120))
    path, out = cohort(roster), tmp_path / "out"
    for stop in (signal.SIGKILL, signal.SIGTERM):
        child = process("cohort", "create", path, "--no-lock", "--jobs", "2")
        made = len(whole(out))
        while child.poll() is None and len(whole(out)) < made + 12:
            time.sleep(0.02)
        child.send_signal(stop)
        told = child.communicate(timeout=120)[1]
        assert (child.returncode, "run the same command again" in told) in ((-9, False), (130, True)), told
        assert all(git(out / name, "status", "--porcelain") == "" for name in whole(out))
    assert 12 <= len(whole(out)) < 120, "it was stopped half-way"
    last = run("cohort", "create", path, "--no-lock", "--json")
    assert last.code == 0, last.err
    counts = json.loads(last.out)["counts"]
    assert counts["created"] + counts["present"] == 120
    assert sorted(path.name for path in out.iterdir()) == [f"l{n:03d}" for n in range(120)]
    for name in whole(out):
        assert (git(out / name, "rev-list", "--count", "HEAD"), git(out / name, "status", "--porcelain")) == ("1", "")


def whole(out: Path) -> list[str]:
    """The repositories that stand at their place."""
    return sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) if out.exists() else []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_learners(cohort, template_repository: Path, tmp_path: Path) -> None:
    def peak(count: int) -> float:
        roster = "id,name\n" + "".join(f"l{n:04d},Learner {n}\n" for n in range(count))
        path = cohort(roster)
        path.write_text(path.read_text("utf-8").replace("out/", f"out{count}/"), "utf-8")
        command = ["python", "-m", "shipfolio", "cohort", "create", path, "--no-git", "--no-lock", "--jobs", "1"]
        environment = {**os.environ, "PYTHONPATH": str(template_repository / "generator")}
        process = subprocess.Popen([str(part) for part in command], env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss / 1024

    assert peak(400) < peak(20) + 8, "MB"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_does_the_same_work(shipfolio, cohort, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="DASK NOT CHECKED: needs the extra `dask`")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        outcome = shipfolio("cohort", "create", cohort(), "--no-lock", "--executor", address, "--json")
        assert states(outcome) == {"ann": "created", "bob": "created", "cy": "created"}
        table = shipfolio("cohort", "status", tmp_path / "cohort.yml", "--executor", address, "--json")
        assert [one["problem"] for one in json.loads(table.out)["learners"]] == ["", "", ""]
    assert git(tmp_path / "out/ann", "status", "--porcelain") == ""


def test_a_wrong_executor_is_explained(shipfolio, cohort) -> None:
    assert "there is no executor 'ray://x'" in shipfolio("cohort", "create", cohort(), "--executor", "ray://x").err


LOCK = """\
version = 1

[[package]]
name = "anyio"
version = "4.0"

[[package]]
name = "demo"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "anyio" },
]
"""


def test_a_lock_file_takes_another_name_and_its_place() -> None:
    pyproject = b'[project]\nname = "aaa"\n'
    text = lockfile.renamed(LOCK, pyproject).decode()
    assert text.index('name = "aaa"') < text.index('name = "anyio"\nversion')
    assert "demo" not in text
    assert lockfile.renamed(text, b'[project]\nname = "demo"\n').decode() == LOCK


def test_every_learner_gets_a_lock_file_of_one_run_of_uv(shipfolio, cohort, tmp_path: Path, monkeypatch) -> None:
    from shipfolio import repository

    runs: list[Path] = []

    def lock(project: Path) -> str:
        runs.append(project)
        name = (project / "pyproject.toml").read_text("utf-8").split('\nname = "')[1].split('"')[0]
        (project / "uv.lock").write_text(LOCK.replace("demo", name), "utf-8")
        return ""

    monkeypatch.setattr(repository, "lock", lock)
    assert shipfolio("cohort", "create", cohort(), "--jobs", "1").code == 0
    assert len(runs) == 2, "one for openai, one for bedrock"
    for name in ("ann", "bob", "cy"):
        assert f'name = "{name}"' in (tmp_path / f"out/{name}/uv.lock").read_text("utf-8")
    assert ROSTER.count("\n") == 4
    assert ANSWERS_FILE in git(tmp_path / "out/ann", "ls-files")
