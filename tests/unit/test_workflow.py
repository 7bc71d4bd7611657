"""What runs in other people's pipelines is well formed, gives away nothing, and its shell does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "examples/pipelines/gitlab-ci.yml"
MARK = "<!-- pgcontract gate -->"


def read(file: Path) -> Any:
    return YAML(typ="safe").load(file)


def lint(program: str, *arguments: str | Path) -> tuple[int, str]:
    """Exit code, and what was printed where that code is not 0."""
    process = subprocess.run([SCRIPTS / program, *arguments], capture_output=True, text=True, check=False)
    return process.returncode, process.returncode * (process.stdout + process.stderr)


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("github-actions", [ACTION]), ("gitlab-ci", [GITLAB])],
    ids=["workflows", "action", "gitlab"],
)
def test_files_are_valid_against_the_schema_that_is_published(schema: str, files: list[Path]) -> None:
    assert lint("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files) == (0, "")


def test_zizmor_finds_no_security_problem_in_the_workflows_and_the_action() -> None:
    assert lint("zizmor", "--offline", "--no-progress", "--persona", "regular", *WORKFLOWS, ACTION) == (0, "")


def test_what_may_write_runs_nothing_of_the_code_under_judgement() -> None:
    jobs = read(ROOT / ".github/workflows/pgcontract.yml")["jobs"]
    writing = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    running = {name for name, job in jobs.items() if any("checkout" in step.get("uses", "") for step in job["steps"])}

    assert (writing, running) == ({"comment", "attach"}, {"verify"})


def test_the_reusable_workflow_hands_every_input_to_the_action() -> None:
    workflow = read(ROOT / ".github/workflows/pgcontract.yml")
    inputs = set((workflow.get("on") or workflow[True])["workflow_call"]["inputs"])
    handed = workflow["jobs"]["verify"]["steps"][-1]["with"]

    assert inputs - {"name"} | {"reports", "artifact"} == set(handed) == set(read(ACTION)["inputs"])


def test_the_pre_commit_hook_runs_the_command_once_for_all_files() -> None:
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")

    assert (hook["entry"], hook["pass_filenames"], hook["language"]) == ("pgcontract verify", False, "python")


def step(file: Path, name: str, job: str | None = None) -> str:
    """The shell of a step."""
    whole = read(file)
    steps = whole["jobs"][job]["steps"] if job else whole["runs"]["steps"]
    return str(next(each["run"] for each in steps if each.get("name") == name))


def shell(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step with `shell: bash`."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def step_of_workflow(name: str, job: str, folder: Path, gh: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The step with this program in the place of GitHub's."""
    (folder / "gh").write_text(f"#!/bin/sh\n{gh}\n")
    (folder / "gh").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return shell(step(ROOT / ".github/workflows/pgcontract.yml", name, job), folder, PATH=path, **environment)


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def pull_request(tmp_path: Path) -> dict[str, str]:
    """A repository with a second migration behind what the pull request starts from, and the runner's environment."""
    repository = tmp_path / "repository"
    (repository / "db").mkdir(parents=True)
    git(repository, "init", "-q")
    (repository / "db/001_note.sql").write_text("CREATE TABLE public.note (id bigint PRIMARY KEY);\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "one")
    (repository / "db/002_body.sql").write_text("ALTER TABLE public.note ADD COLUMN body text NOT NULL;\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "two")
    tried = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    command = tmp_path / "pgcontract/bin/pgcontract"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pgcontract "$@"\n')
    command.chmod(0o755)
    return {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_SHA": tried.stdout.strip(),
        "GITHUB_BASE_REF": "main",
        "MIGRATIONS": "db",
        "SINCE": "auto",
        "OPTIONS": "\n--seed\n7\n",
        "REPORTS": "reports",
    }


def test_the_action_judges_what_a_pull_request_changes_and_says_it_on_the_first_screen(
    pull_request: dict[str, str], tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    verified = shell(step(ACTION, "Verify"), repository, **pull_request)
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    judge = step(ACTION, "Judge what the pull request starts from")
    base = shell(judge, repository, **pull_request, BASE=outputs["base"])
    summary = shell(step(ACTION, "Take the first screen of the report"), repository, **pull_request)
    screen = (repository / "reports/first-screen.md").read_text(encoding="utf-8")

    assert (verified.returncode, base.returncode, summary.returncode) == (1, 0, 0), verified.stderr + summary.stderr
    assert "exit-code=1" in (tmp_path / "output").read_text()
    assert "::error file=db/002_body.sql" in verified.stdout
    assert "BLOCKED" in screen
    assert "## What changes" in screen


def test_what_a_pull_request_starts_from_must_be_there(pull_request: dict[str, str], tmp_path: Path) -> None:
    """A shallow checkout, or one of another commit: nothing is judged by half."""
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}/repository", str(shallow))
    verified = [
        shell(step(ACTION, "Verify"), shallow, **{**pull_request, "GITHUB_SHA": sha})
        for sha in (pull_request["GITHUB_SHA"], "0" * 40)
    ]

    assert [2, 2] == [process.returncode for process in verified]
    assert all("give actions/checkout fetch-depth 2" in process.stdout for process in verified)


def test_no_step_needs_more_than_the_bash_of_macos() -> None:
    steps = [*read(ACTION)["runs"]["steps"], *read(ROOT / ".github/workflows/pgcontract.yml")["jobs"]["comment"]["steps"]]
    newer = ("mapfile", "readarray", "declare -A", "|&", "${MIGRATIONS,,}", "&>>")

    assert [] == [word for each in steps for word in newer if word in each.get("run", "").replace("without mapfile", "")]


def test_a_run_without_a_report_is_told_of_in_its_place(pull_request: dict[str, str], tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    verified = shell(step(ACTION, "Verify"), repository, **{**pull_request, "MIGRATIONS": "nowhere"})
    shell(step(ACTION, "Take the first screen of the report"), repository, **pull_request)

    assert verified.returncode == 2
    assert "pgcontract wrote no report" in (repository / "reports/first-screen.md").read_text()
    assert "pgcontract wrote no report" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(("known", "method"), [("", "POST"), ("4711", "PATCH")])
def test_one_comment_is_kept_up_to_date_within_what_github_takes(tmp_path: Path, known: str, method: str) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/first-screen.md").write_text("é" * 60_000, encoding="utf-8")  # two bytes each
    called = tmp_path / "called"
    gh = f'echo "$@" >> "{called}"\ncase "$*" in *--jq*) echo "{known}" | sed "/^$/d";; esac'
    about = {"REPOSITORY": "ann/shop", "PULL_REQUEST": "12", "NAME": "pgcontract"}
    done = step_of_workflow("Keep one comment up to date", "comment", tmp_path, gh, **about)
    comment = (tmp_path / "comment.md").read_bytes().decode()

    assert done.returncode == 0, done.stderr
    assert f"--method {method}" in called.read_text()
    assert comment.startswith(f"{MARK}\né")
    assert comment.endswith("The rest is in the artifact `pgcontract` of this run.\n")
    assert len(comment.encode()) < 65_536


def test_each_file_of_a_report_is_attached_under_its_migrations_name(tmp_path: Path) -> None:
    (tmp_path / "reports/020 it's/charts").mkdir(parents=True)
    (tmp_path / "reports/020 it's/run.json").write_text("{}")
    called = tmp_path / "called"
    gh = f'printf "%s|" "$@" >> "{called}"'
    done = step_of_workflow("Attach the reports to the release", "attach", tmp_path, gh, TAG="v1")

    assert done.returncode == 0, done.stderr
    assert called.read_text() == "release|upload|v1|020 it's.run.json|--clobber|"


def test_the_plain_shell_example_ends_with_the_verdicts_code(pull_request: dict[str, str], tmp_path: Path) -> None:
    """With the environment of the tests in the place of one from an index."""
    script = (ROOT / "examples/pipelines/verify.sh").read_text(encoding="utf-8")
    made = ".pgcontract/bin"
    script = script.replace(
        "python3 -m venv .pgcontract", f"mkdir -p {made}; cp {tmp_path}/pgcontract/bin/pgcontract {made}/"
    )
    script = "\n".join(line for line in script.splitlines() if "pip install" not in line)
    done = subprocess.run(
        ["sh", "-c", script, "verify.sh", "db"], cwd=tmp_path / "repository", capture_output=True, text=True, check=False
    )

    assert done.returncode == 1, done.stderr
    assert (tmp_path / "repository/reports/junit.xml").exists()
