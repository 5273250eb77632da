"""Every check, in the order in which they are run; docs/preflight.md is made from this list.

What a check is about stands in its docstring; when it is run, what it asks for and what to do
about its findings stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trapheus.checks import (
    availability,
    database,
    dependencies,
    names,
    plan,
    quotas,
    restorable,
)
from trapheus.checks.look import CLUSTER, INSTANCE
from trapheus.checks.source import refusals as source
from trapheus.execution import exceptions
from trapheus.execution.constants import (
    COPY,
    CREATE_SNAPSHOT,
    RENAME_FIRST,
    RESTORE_FIRST,
    SQL,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.checks.look import Look
    from trapheus.execution.exceptions import TrapheusError


@dataclass(frozen=True)
class Condition:
    """For which requests, or for which databases, a check is run; `words` say it on the page."""

    words: str
    holds: Callable[[Look], bool]


ALWAYS = Condition("always", lambda _: True)
CHOSEN = Condition("`snapshotIdentifier`, or `sourceIdentifier`", lambda look: bool(look.is_chosen))
NOT_CHOSEN = Condition("without either of them", lambda look: not look.is_chosen)
TAKEN = Condition("a snapshot is taken", lambda look: look.takes_snapshot)
SHARED = Condition("a snapshot is shared", lambda look: look.shares)
COPIED_TO_SHARE = Condition("a copy of a snapshot is shared", lambda look: look.shares_copy)
RESTORED = Condition("a restore", lambda look: look.restores)
# A task that restores nothing has none.
OVERRIDDEN = Condition("`overrides`", lambda look: bool(look.overrides))
OF_A_SNAPSHOT = Condition("`db_restore`", lambda look: not look.takes_snapshot)
NAMED_ANEW = Condition(
    "`restore-first`, or a target",
    lambda look: look.restores and look.request["strategy"] != RENAME_FIRST,
)
WITH_A_TARGET = Condition("a target", lambda look: look.request["strategy"] == COPY)
BESIDE = Condition("`db_restore` with a target", lambda look: look.is_beside)
NOT_BESIDE = Condition("all but `db_restore` with a target", lambda look: not look.is_beside)
WITH_SQL = Condition(
    "the hook `sql`",
    lambda look: any(hook["run"] == SQL for hook in look.request.get("beforeSwap", ())),
)
REPLACED = Condition("a replacement", lambda look: look.replaces)
DELETED = Condition("a replacement without `keepOriginal`", lambda look: look.deletes)
KEPT = Condition("`keepOriginal`, or a target", lambda look: look.restores and not look.deletes)
LOSSY = Condition(
    "`restore-first` with `create_snapshot`",
    lambda look: (
        look.request["strategy"] == RESTORE_FIRST and look.request["task"] == CREATE_SNAPSHOT
    ),
)

BOTH = Condition("", lambda _: True)
AN_INSTANCE = Condition("an instance", lambda look: look.kind is INSTANCE)
A_CLUSTER = Condition("a cluster", lambda look: look.kind is CLUSTER)
MULTI_AZ = Condition("a Multi-AZ DB cluster", lambda look: look.is_multi_az)
AURORA = Condition("an Aurora cluster", lambda look: look.is_aurora)
WITH_STORAGE = Condition("an instance or a Multi-AZ DB cluster", lambda look: not look.is_aurora)


@dataclass(frozen=True)
class Check:
    """A row of the page: a function that looks, and notes what it finds in Findings.

    calls: what it is the first to ask for, "" for nothing. errors: () of a mere warning. cure: what
    to do about what it finds.
    """

    run: Callable[..., None]
    when: Condition
    cure: str
    errors: tuple[type[TrapheusError], ...] = ()
    calls: str = ""
    of: Condition = BOTH


# When it finds something, nothing else is looked at.
PRECONDITION = Check(
    database.right_kind,
    when=ALWAYS,
    calls="`DescribeDBInstances`, `DescribeDBClusters`",
    errors=(exceptions.DatabaseNotFound, exceptions.WrongKind),
    cure="Correct the request. Where only `<identifier>-temp` is there, the sentence says how to"
    " clear it.",
)

CHECKS = (
    Check(
        database.unprotected,
        when=ALWAYS,
        errors=(exceptions.DatabaseProtected,),
        cure="Take the tag off.",
    ),
    Check(
        database.available,
        when=NOT_BESIDE,
        errors=(exceptions.DatabaseNotAvailable,),
        cure="Start it, or the execution again later; apply or withdraw the changes.",
    ),
    Check(
        source.chosen_snapshot,
        when=CHOSEN,
        calls="`DescribeDBSnapshots`, `DescribeDBClusterSnapshots`",
        errors=(exceptions.SnapshotMissing,),
        cure="Correct the name, or take one.",
    ),
    Check(
        restorable.own_snapshot,
        when=NOT_CHOSEN,
        calls="`DescribeDBSnapshots`, `DescribeDBClusterSnapshots`",
        errors=(exceptions.SnapshotMissing,),
        cure="Take one with `create_snapshot_only`.",
    ),
    Check(
        restorable.free_successor,
        when=TAKEN,
        calls="`DescribeDBSnapshots`, `DescribeDBClusterSnapshots`",
        errors=(exceptions.NameTaken,),
        cure="Delete it if nothing needs it.",
    ),
    Check(
        names.room_for_the_snapshot,
        when=ALWAYS,
        of=A_CLUSTER,
        errors=(exceptions.InvalidRequest,),
        cure="Rename it.",
    ),
    Check(
        availability.keys_enabled,
        when=ALWAYS,
        calls="`kms:DescribeKey`",
        errors=(exceptions.KeyNotAccessible,),
        cure="Enable the key, cancel its deletion.",
    ),
    Check(
        availability.shareable,
        when=SHARED,
        errors=(exceptions.KeyNotAccessible, exceptions.InvalidRequest),
        cure="Give the stack such a key, by [docs/sharing.md](sharing.md); name fewer accounts.",
    ),
    Check(
        source.of_multi_az,
        when=ALWAYS,
        of=MULTI_AZ,
        errors=(exceptions.DatabaseNotSupported,),
        cure="Name a snapshot under the same key, in the same account and region; share what is"
        " under a key that others may use.",
    ),
    Check(
        availability.shareable_options,
        when=SHARED,
        of=AN_INSTANCE,
        calls="`DescribeOptionGroups`",
        errors=(exceptions.GroupNotUsable,),
        cure="Take it with a stack that shares nothing.",
    ),
    Check(
        names.of_the_shared_copy,
        when=COPIED_TO_SHARE,
        calls="`DescribeDBSnapshots`, `DescribeDBClusterSnapshots`",
        errors=(exceptions.NameTaken,),
        cure="Delete it if nothing needs it.",
    ),
    Check(
        names.of_the_copy,
        when=NAMED_ANEW,
        calls="`DescribeDBInstances`, `DescribeDBClusters`",
        errors=(exceptions.NameTaken, exceptions.DatabaseNotSupported),
        cure="As for `-temp`; for a target choose another one.",
    ),
    Check(
        names.of_the_renamed_original,
        when=REPLACED,
        calls="`DescribeDBInstances`, `DescribeDBClusters`",
        errors=(
            exceptions.NameTaken,
            exceptions.InvalidRequest,
            exceptions.DatabaseNotSupported,
        ),
        cure="Rename that database, or delete it if nothing needs it. Without room, rename it.",
    ),
    Check(
        restorable.fitting_snapshot,
        when=OF_A_SNAPSHOT,
        errors=(exceptions.SnapshotMissing,),
        cure="Upgrade the database, name another, or take a new one.",
    ),
    Check(
        source.encryption,
        when=OF_A_SNAPSHOT,
        calls="`kms:DescribeKey`",
        errors=(exceptions.SnapshotMissing, exceptions.KeyNotAccessible),
        cure="Let the other account share its key by the statement in the sentence.",
    ),
    Check(
        source.password,
        when=RESTORED,
        calls="`secretsmanager:GetSecretValue`",
        errors=(exceptions.InvalidRequest,),
        cure="Name a secret, or say `keepSourcePassword`; mend the secret.",
    ),
    Check(
        source.free_name,
        when=OF_A_SNAPSHOT,
        calls="`DescribeDBSnapshots`, `DescribeDBClusterSnapshots`",
        errors=(exceptions.NameTaken,),
        cure="Delete that snapshot if nothing needs it.",
    ),
    Check(
        restorable.sizes,
        when=OVERRIDDEN,
        of=WITH_STORAGE,
        errors=(exceptions.InvalidRequest,),
        cure="Ask for one of these.",
    ),
    Check(
        database.members_available,
        when=RESTORED,
        of=AURORA,
        calls="`DescribeDBInstances`, for each",
        errors=(
            exceptions.DatabaseNotAvailable,
            exceptions.DatabaseProtected,
            exceptions.DatabaseNotSupported,
        ),
        cure="Start again later; apply or withdraw the changes; take the tag off; fail over.",
    ),
    Check(
        restorable.overrides_of_its_sort,
        when=OVERRIDDEN,
        of=A_CLUSTER,
        errors=(exceptions.InvalidRequest,),
        cure="Leave the named ones out.",
    ),
    Check(
        restorable.version_within_reach,
        when=OVERRIDDEN,
        errors=(exceptions.InvalidRequest,),
        cure="Ask for such a version, and upgrade afterwards.",
    ),
    Check(
        database.fit_for_sql,
        when=WITH_SQL,
        errors=(exceptions.InvalidRequest,),
        cure="Let RDS manage the password, name a `masterUserSecret`, or use a hook of your own.",
    ),
    Check(
        database.domain_joined,
        when=RESTORED,
        errors=(exceptions.DatabaseNotAvailable,),
        cure="Mend it, or leave the domain.",
    ),
    Check(
        database.room_for_the_tag,
        when=RESTORED,
        errors=(exceptions.DatabaseNotSupported,),
        cure="Take a tag off.",
    ),
    Check(
        availability.version_and_classes,
        when=RESTORED,
        calls="`DescribeOrderableDBInstanceOptions`; `DescribeDBEngineVersions` when it has no"
        " answer",
        errors=(exceptions.VersionOrClassUnavailable,),
        cure="Upgrade the database and take a new snapshot; give it another class.",
    ),
    Check(
        availability.groups,
        when=RESTORED,
        calls="`DescribeDBSubnetGroups`, `DescribeDBParameterGroups`,"
        " `DescribeDBClusterParameterGroups`, `DescribeOptionGroups`",
        errors=(exceptions.GroupNotUsable,),
        cure="Make the group again, or give the database another; both versions are named.",
    ),
    Check(
        availability.wanted_version_and_class,
        when=RESTORED,
        of=AN_INSTANCE,
        calls="`DescribeOrderableDBInstanceOptions`; `DescribeDBEngineVersions` when it has no"
        " answer",
        errors=(exceptions.VersionOrClassUnavailable,),
        cure="Ask for another version, or upgrade the database and take a new snapshot.",
    ),
    Check(
        availability.wanted_certificate,
        when=OVERRIDDEN,
        calls="`DescribeCertificates`",
        errors=(exceptions.InvalidRequest,),
        cure="Ask for one of those that are named.",
    ),
    Check(
        dependencies.no_global_cluster,
        when=REPLACED,
        of=A_CLUSTER,
        calls="`DescribeGlobalClusters`",
        errors=(exceptions.DatabaseNotSupported,),
        cure="Detach the cluster.",
    ),
    Check(
        dependencies.no_replicas,
        when=DELETED,
        errors=(exceptions.DatabaseNotSupported,),
        cure="Promote or delete them, or set `keepOriginal`.",
    ),
    Check(
        dependencies.no_deployment,
        when=REPLACED,
        calls="`DescribeBlueGreenDeployments`",
        errors=(exceptions.DatabaseNotSupported,),
        cure="Finish the deployment, delete it.",
    ),
    Check(
        dependencies.no_integration,
        when=REPLACED,
        calls="`DescribeIntegrations`",
        errors=(exceptions.DatabaseNotSupported,),
        cure="Delete it, and make it again afterwards.",
    ),
    Check(
        database.supported_attributes,
        when=RESTORED,
        errors=(exceptions.DatabaseNotSupported,),
        cure="Promote it; stop the stream.",
    ),
    Check(
        quotas.room_for_both,
        when=ALWAYS,
        calls="`DescribeAccountAttributes`",
        errors=(exceptions.QuotaExceeded,),
        cure="Delete what nothing needs, or ask for more.",
    ),
    Check(
        quotas.room_for_backups,
        when=REPLACED,
        calls="`DescribeDBInstanceAutomatedBackups`, `DescribeDBClusterAutomatedBackups`",
        errors=(exceptions.QuotaExceeded,),
        cure="Delete old ones, ask for more, or set `deleteAutomatedBackups`.",
    ),
    Check(
        database.endpoints_with_members,
        when=REPLACED,
        of=AURORA,
        calls="`DescribeDBClusterEndpoints`, `ListTagsForResource`",
        errors=(exceptions.DatabaseNotSupported,),
        cure="Give it another member, or delete it.",
    ),
)

# They take the plan as well.
OF_THE_PLAN = (
    Check(
        restorable.overrides_together,
        when=OVERRIDDEN,
        errors=(exceptions.InvalidRequest,),
        cure="Change the named one, or override what it needs too.",
    ),
    Check(
        plan.small_enough,
        when=ALWAYS,
        errors=(exceptions.DatabaseNotSupported,),
        cure="Shorten tags, take some off.",
    ),
)

# They refuse nothing.
WARNINGS = (
    Check(
        availability.keys_unseen,
        when=ALWAYS,
        calls="`kms:DescribeKey`",
        cure="See for yourself that it is enabled.",
    ),
    Check(
        availability.certificates_retired,
        when=RESTORED,
        calls="`DescribeCertificates`",
        cure="Let the clients trust the account's default CA.",
    ),
    Check(
        restorable.of_another_database,
        when=OF_A_SNAPSHOT,
        cure="Know whose data and users these are; name another snapshot.",
    ),
    Check(
        restorable.moment_of_a_copy,
        when=OF_A_SNAPSHOT,
        of=A_CLUSTER,
        calls="`DescribeDBClusterSnapshots`",
        cure="Know that the data are older than the copy; name what it was made of.",
    ),
    Check(
        availability.version_withdrawn,
        when=RESTORED,
        cure="Upgrade the database, and take a new snapshot.",
    ),
    Check(
        availability.reserved_capacity,
        when=RESTORED,
        cure="See that the reservation has another one: the original holds its own until it is"
        " deleted.",
    ),
    Check(
        database.parts_in_motion,
        when=RESTORED,
        cure="Know that what leaves is not carried over, and that a start ends the wait; mend what"
        " has failed.",
    ),
    Check(
        database.shown_as_it_is,
        when=BESIDE,
        cure="Know that what is pending, or being changed, may be missing in the copy.",
    ),
    Check(
        dependencies.replicas_stay,
        when=KEPT,
        cure="Make others for what is restored.",
    ),
    Check(
        dependencies.proxies,
        when=REPLACED,
        calls="`DescribeDBProxies`, `DescribeDBProxyTargets`",
        cure="Stop its clients first if their writes matter; the restore registers it again.",
    ),
    Check(
        dependencies.of_a_stack,
        when=REPLACED,
        cure="Read [docs/infrastructure-as-code.md](infrastructure-as-code.md) before the next"
        " update of the stack.",
    ),
    Check(
        database.write_loss,
        when=LOSSY,
        cure="Know that what is written between the snapshot and the swap is lost.",
    ),
    Check(
        database.backups_deleted,
        when=REPLACED,
        cure="Know that no earlier point in time can be restored any more.",
    ),
    Check(
        database.endpoints_stay,
        when=WITH_A_TARGET,
        of=A_CLUSTER,
        calls="`DescribeDBClusterEndpoints`, `ListTagsForResource`",
        cure="Make others; their names are unique in a region.",
    ),
)
