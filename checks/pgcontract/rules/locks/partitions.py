"""Ways around locks on partitioned tables: one partition after the other, and then what takes those over. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pgcontract.catalog.live_tables import LiveConstraint, LiveIndex
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.probes.locks.work import ConstraintAdded, IndexBuilt, PartitionJoined, TracedStatement, Work
from pgcontract.rules.locks.steps import IN_A_QUIET_HOUR, Remedy, create_index, in_two, key_word, name_of, require


def attach(traced: TracedStatement, joined: Sequence[PartitionJoined]) -> Remedy:
    """What ATTACH, or CREATE ... PARTITION OF beside a default partition, would do under its lock, done before it."""
    steps, drops, words = [], [], []
    for work in traced.work:
        match work.change:
            case PartitionJoined(partition=partition, bounds=bounds) if work.table == partition:
                checked, check = work.table, bounds
                words.append("prove by a CHECK what the partition holds, so that it is not read")
            case PartitionJoined(bounds=bounds):
                checked = work.partitions[0] if work.partitions else work.table
                check = f"NOT {bounds}"
                words.append(
                    f"prove by a CHECK that {checked} holds nothing of the new partition, so that it is not read"
                )
            case IndexBuilt(index=index, constraint=constraint):
                steps.append(f"{create_index(index)};")
                if constraint is not None:
                    steps.append(_using_index(work.table, index, key_word(constraint)))
                words.append("build its indexes CONCURRENTLY, each alone in its file")
                continue
            case ConstraintAdded(constraint=constraint):
                steps += in_two(work.table, constraint)
                words.append("add its foreign keys NOT VALID and validate them")
                continue
            case _:
                continue
        label = QualifiedName.parse(joined[0].partition).name if joined else "partition"
        name = name_of(checked, label, "bounds")
        steps.append(f"ALTER TABLE {checked} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID;")
        steps.append(f"ALTER TABLE {checked} VALIDATE CONSTRAINT {name};")
        drops.append(f"ALTER TABLE {checked} DROP CONSTRAINT {name};")
    if not steps:
        return Remedy(sentence=IN_A_QUIET_HOUR)
    last = "\n".join((f"{traced.statement.shown};", *drops))
    return Remedy(sentence=f"Before it, {'; '.join(dict.fromkeys(words))}.", steps=(*steps, last))


def foreign_key_of_partitions(work: Work, constraint: LiveConstraint) -> tuple[str, ...]:
    """That of each partition NOT VALID and validated, then that of the table."""
    adds, validates = [], []
    for partition in work.partitions:
        add, validate = in_two(partition, constraint)
        adds.append(add)
        validates.append(validate)
    whole = f"ALTER TABLE {work.table} ADD CONSTRAINT {constraint.name} {constraint.definition};"
    return ("\n".join(adds), *validates, whole)


def index_of_partitions(table: str, built: IndexBuilt) -> Remedy:
    """That of each partition, then that of the table, which is made of those however deep they are."""
    constraint = built.constraint
    builds = [f"{create_index(index)};" for _, index in built.parts]
    if constraint is None:
        return Remedy(
            sentence="Build that of each partition CONCURRENTLY, each alone in its file; made on the partitioned table, "
            "it then takes those over and builds nothing.",
            steps=(*builds, f"{create_index(built.index, concurrently=False)};"),
        )
    word = key_word(constraint)
    return Remedy(
        sentence="Build the unique index of each partition CONCURRENTLY, each alone in its file, and make its "
        f"constraint of it; ADD {word} on the partitioned table then takes those over.",
        steps=(
            *require(table, built.required),
            *builds,
            "\n".join(_using_index(name, index, word) for name, index in built.parts),
            f"ALTER TABLE {table} ADD CONSTRAINT {constraint.name} {constraint.definition};",
        ),
    )


def _using_index(table: str, index: LiveIndex, word: str) -> str:
    name = QualifiedName.parse(index.name).quoted_name
    return f"ALTER TABLE {table} ADD CONSTRAINT {name} {word} USING INDEX {name};"
