"""Files of Supabase's storage that somebody else writes, tried for the policies that the chain made on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.model.schema import Policy
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Try
from pgcontract.probes.roles.users import PUBLIC_ACTORS, Actor
from pgcontract.probes.roles.users_state import acting_stages, grants_by_regime

FILES: Final = "storage.objects"
_FILED: Final = """
INSERT INTO storage.buckets (id, name) VALUES ('pgcontract', 'pgcontract');
INSERT INTO storage.objects (bucket_id, name) VALUES ('pgcontract', 'a.png')
"""
_WRITES: Final = {
    "INSERT": "INSERT INTO storage.objects (bucket_id, name) VALUES ('pgcontract', 'b.png')",
    "UPDATE": "UPDATE storage.objects SET name = 'b.png'",
    "DELETE": "DELETE FROM storage.objects",
}


def written_files(context: Context, policy: Policy, operations: Sequence[str]) -> Iterator[tuple[str, str, Actor, Try]]:
    """The operations that a policy for everybody lets through on a file that is nobody's; by regime, as who may."""
    regime = next(iter(grants_by_regime(context)))  # what is granted on the platform's own tables is granted in all
    with acting_stages(context) as open_stage:
        stage = open_stage(regime)
        for actor in PUBLIC_ACTORS:
            if not {actor.role, "public"} & set(policy.roles):
                continue
            for operation in operations:
                outcome = stage.attempt(_WRITES[operation], actor, before=_FILED)
                if outcome.count or outcome.reached:
                    for each in grants_by_regime(context):
                        yield each, operation, actor, Try(may=True, loose=max(outcome.count, 1), shown=outcome)
