"""From a project to a Run, and from findings to a verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from dataclasses import field, replace
from importlib.metadata import version
from pathlib import Path

from pgcontract.contract import Baseline, Migration, Project
from pgcontract.contract.configuration import place_in_repository
from pgcontract.errors import InputError
from pgcontract.model.schema import Schema
from pgcontract.postgres.progress import ProgressEvent, progress_reported_to, report_progress
from pgcontract.postgres.providers import redact_run_as, redact_spec
from pgcontract.result import Finding, MigrationName, Observations, Run, RunOptions
from pgcontract.result.observations import sum_phases
from pgcontract.result.plugin_use import PluginUse
from pgcontract.result.secrets import mask_secrets
from pgcontract.runner.acceptance import accept_findings, entries_after, is_whole
from pgcontract.runner.assumptions import assumptions, kept_sentence
from pgcontract.runner.check_infos import check_infos
from pgcontract.runner.claim_findings import claim_findings
from pgcontract.runner.claims import decide_claims
from pgcontract.runner.corrections import apply_corrections, corrected_claims
from pgcontract.runner.decisions import gate_item
from pgcontract.runner.gate import gate_findings
from pgcontract.runner.observation import document_info, script_file
from pgcontract.runner.plan import Plan, plan
from pgcontract.runner.plugin_uses import plugin_uses
from pgcontract.runner.session import NO_SERVER, Session
from pgcontract.runner.severities import reweighed_decision, severity_sentences
from pgcontract.runner.source_files import project_path, source_files
from pgcontract.runner.verdict import conclude_verdict
from pgcontract.runner.waivers import waiver_terms
from pgcontract.values import dataclass


def conclude(
    plan: Plan,
    findings: Iterable[Finding],
    observed: Observations,
    *,
    today: dt.date | None = None,
) -> Run:
    """The Run: findings in the plan's order, with waivers and corrections applied, claims decided, and the verdict.

    Waivers are judged on the day, in UTC, on which the Run says that it started, unless `today` names another.
    """
    now = dt.datetime.now(dt.UTC)
    infos = check_infos()
    ordered = _in_order(plan, findings)
    waived, accepted = accept_findings(ordered, plan, today or now.date())
    claims = decide_claims(
        plan.project, waived, infos, left_out=plan.left_out, undecided=plan.undecided, skipped=plan.skipped
    )
    resolved = apply_corrections(waived, plan.project, infos, corrected_claims(claims))
    of_gate = (finding for finding in gate_findings(plan.project) if gate_item(finding) not in plan.undecided)
    decided = (*accepted, *claim_findings(plan.project, claims, complete=plan.complete), *of_gate)
    everything = (*resolved, *(reweighed_decision(finding, plan.project) for finding in decided))
    found = {finding.check for finding in everything}
    promise = plan.promises[plan.head.key]
    pending = tuple(migration.key for migration in plan.project.pending)
    terms = waiver_terms(waived, plan.project)
    verdict = conclude_verdict(
        everything,
        claims,
        complete=plan.complete,
        production=plan.project.postgres,
        major=observed.server.major if observed.server else None,
        waived_before=[item for term in terms if term.migration not in pending for item in term.excuses],
    )
    uses = plugin_uses(plan.project, everything, infos.values(), plan.options.pg)
    run = Run(
        pgcontract=version("pgcontract"),
        started=now.replace(microsecond=0).isoformat(),
        migration=plan.head.key,
        chain=tuple(
            MigrationName(key=migration.key, display_name=migration.display_name) for migration in plan.project.chain
        ),
        verdict=verdict,
        findings=everything,
        claims=claims,
        checks=tuple(info for info in infos.values() if info.id in found),
        outline=plan.project.outline,
        configured=(*plan.project.configured, *severity_sentences(everything)),
        assumptions=(
            *assumptions(plan.project, everything),
            *kept_sentence(plan.project, observed.kept),
            *map(_sentence, uses),
        ),
        script=script_file(promise.script),
        rollback=script_file(promise.rollback) if promise.rollback else None,
        platform=plan.project.platform,
        production_major=plan.project.postgres,
        document=document_info(plan.project, plan.head),
        declared=(observed.spelled or promise.declared) if promise.contract else None,
        live=observed.live,
        effect=observed.effect,
        measurements=observed.measurements,
        stops=observed.stops,
        losses=observed.losses,
        access=observed.access,
        server=observed.server,
        options=replace(
            plan.options,
            pg=redact_spec(plan.options.pg),
            pg_run_as=redact_run_as(plan.options.pg_run_as),
            through=plan.options.through or plan.project.ended,
        ),
        project=project_path(plan.project),
        started_in=place_in_repository(),
        given=tuple(redact_spec(word) if word.startswith("dsn:") else word for word in plan.project.given),
        layout=plan.project.layout,
        kept=observed.kept,
        pending=pending,
        phases=sum_phases(observed.phases),
        sources=source_files(plan.project),
        waivers=terms,
        plugins=uses,
    )
    return mask_secrets(run, plan.project.masked)


def _sentence(use: PluginUse) -> str:
    return f"The plug-in {use.name} {use.version} took part: {', '.join(use.brought)}."


def _in_order(plan: Plan, findings: Iterable[Finding]) -> list[Finding]:
    """The findings of each item where the plan has it, whichever was asked first; of a subject that nobody planned with
    the check's first item."""
    places: dict[tuple[str, ...], int] = {}
    for place, item in enumerate(plan.items):
        places[item.migration, item.check, item.subject] = place
        places.setdefault((item.migration, item.check), place)

    def place_of(finding: Finding) -> int:
        check = finding.migration, finding.check
        return places.get((*check, finding.subject), places.get(check, len(places)))

    return sorted(findings, key=place_of)


def verify(
    project: Project,
    options: RunOptions = RunOptions(),  # noqa: B008 - a frozen value
    *,
    notify: Callable[[ProgressEvent], None] | None = None,
) -> Run:
    """The verdict about the project's chain of migrations, with everything that was found and how.

    A broken promise is a Finding of the Run, never an exception. Raises InputError for what cannot be handed to a server
    and ServerUnavailable where none can be had; a server that is lost later makes the rest UNKNOWN. `notify` is called
    with what the run is doing.
    """
    planned = plan(project, options)
    return conclude(planned, *_ask(planned, notify))


def verify_with_baseline(
    project: Project,
    options: RunOptions = RunOptions(),  # noqa: B008 - a frozen value
    *,
    path: Path,
    prune: bool,
    notify: Callable[[ProgressEvent], None] | None = None,
) -> tuple[Run, Baseline]:
    """The same, judged by the baseline that is to be written to `path`: all that is wrong now, and what was not asked as
    it was; with `prune` what there was, without what applies no more. Nothing is written.

    Raises InputError where the run could not say what applies no more: by a selection, or without a server.
    """
    planned = plan(project, options)
    if prune:
        _require_whole(planned, path)
    findings, observed = _ask(planned, notify)
    resolved = conclude(_judged_by(planned, None), findings, observed).findings
    entries = entries_after(planned, findings, resolved, prune=prune)
    baseline = Baseline(path=str(path), entries=entries)
    return conclude(_judged_by(planned, baseline), findings, observed), baseline


def _judged_by(planned: Plan, baseline: Baseline | None) -> Plan:
    return replace(planned, project=replace(planned.project, baseline=baseline))


def _require_whole(planned: Plan, path: Path) -> None:
    if planned.project.baseline is None:
        raise InputError("there is no baseline to prune; --baseline names another place", file=str(path))
    if planned.options.pg == NO_SERVER:
        raise InputError("--prune-baseline needs a server: without one nothing shows what is still wrong; see --pg")
    if not (planned.complete and is_whole(planned.project)):
        raise InputError(
            "--prune-baseline goes with a run of all checks over the whole chain, or it would remove what was not asked; "
            "leave out --only, --skip and --through, and name the folder"
        )


def _ask(planned: Plan, notify: Callable[[ProgressEvent], None] | None) -> tuple[list[Finding], Observations]:
    findings: list[Finding] = []
    with progress_reported_to(notify), Session(planned) as session:
        for done, item in enumerate(planned.items, 1):
            answers = session.ask(item)
            findings.extend(answers)
            report_progress(ProgressEvent(kind="item", name=item.name, done=done, total=len(planned.items)))
        observed = session.observed()
    return findings, observed


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a migration makes, changes or renames, as the catalog has it; the (kind, name) of each part that it takes
    away; and the whole catalog after it, and as its renames alone leave it."""

    migration: Migration
    added: Schema
    after: Schema
    renamed: Schema = field(default_factory=Schema)
    removed: tuple[tuple[str, str], ...] = ()


def changes(
    project: Project,
    options: RunOptions = RunOptions(),  # noqa: B008 - a frozen value
    *,
    keys: Collection[str],
    whole: bool = False,
) -> tuple[Change, ...]:
    """What each migration of these `keys` changes, the input of a draft; with `whole` what the chain comes to, as the
    head's.

    Raises InputError where the server refuses a script of the chain, with its place and words.
    """
    planned = replace(plan(project, options), with_states=frozenset(keys))
    # What a script holds as text is in the same repository: a contract without it would be another.
    secrets, found = project.secrets, []
    with Session(planned) as session:
        for migration in planned.project.chain:
            context = session.context(migration.key)
            if context.failure is not None:
                refusal = context.failure.refusal
                raise InputError(
                    f"it cannot be applied, so there is nothing to draft from: {context.failure.summary}",
                    file=refusal.path if refusal and refusal.path else migration.up.path,
                    line=refusal.line if refusal else None,
                )
            if whole or migration.key not in keys:
                continue
            left = {(part.kind, part.name) for part in context.after.parts()}
            renamed = mask_secrets(context.renamed_before, secrets)
            gone = tuple((part.kind, part.name) for part in renamed.parts() if (part.kind, part.name) not in left)
            added, after = mask_secrets(context.changed_parts, secrets), mask_secrets(context.after, secrets)
            found.append(Change(migration=migration, added=added, removed=gone, after=after, renamed=renamed))
        if whole:
            added, after = mask_secrets(context.migrated, secrets), mask_secrets(context.after, secrets)
            found.append(Change(migration=planned.head, added=added, after=after))
    return tuple(found)
