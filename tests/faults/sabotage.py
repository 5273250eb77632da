"""The app with one of its safeguards taken out: the suite must notice each.

A sabotage is a change of the text of one file, which must match exactly once. Where a role's
condition keeps a function from what it should keep itself from, that is taken out besides.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.commands.app import ROOT

LAYER = "layers/common/trapheus"
TEMPLATE = "template.yaml"
# Whose deletions are allowed by the roles.
ONLY_TAGGED = """\
,
               Condition: {"Null": {"aws:ResourceTag/trapheus:in-progress": "false"}}}
"""


@dataclass(frozen=True)
class Sabotage:
    """What is taken out where, and how the ids of the scenarios begin that notice, likely first."""

    name: str
    file: str
    old: str
    new: str
    noticed_by: tuple[str, ...]
    of_any: bool = False  # whether the roles may also delete what has no tag


def of_both(
    name: str,
    file: str,
    old: str,
    new: str,
    *noticed_by: str,
    cluster: tuple[str, str] | None = None,
    of_any: bool = False,
) -> Iterator[Sabotage]:
    """The same sabotage for both kinds: KIND and Kind stand for instance or cluster.

    `cluster`: what is old and new there, if it is something else.
    """
    for kind in ("instance", "cluster"):
        words = {"KIND": kind, "Kind": kind.capitalize()}

        def spelled(text: str, words: dict[str, str] = words) -> str:
            for word, spelling in words.items():
                text = text.replace(word, spelling)
            return text

        texts = cluster if cluster and kind == "cluster" else (old, new)
        yield Sabotage(
            f"{name} ({kind})",
            spelled(file),
            *map(spelled, texts),
            tuple(map(spelled, noticed_by)),
            of_any,
        )


SABOTAGES = (
    # The request
    *of_both(
        "any identifier is allowed", "layers/common/trapheus/requests.py",
        "        if identifier and not fits(identifier, patterns):\n", "        if False:\n",
        "KIND-db_restore/Read_the_request/KIND",
    ),
    # The lock
    *of_both(
        "the lock is taken whoever holds it", "src/lock/take.py",
        "    if holder:\n        item = judged(item, request)\n",
        "    if holder:\n        pass\n",
        "KIND-db_restore/Take_the_lock/prod", "KIND-db_restore/Take_the_lock/",
    ),
    *of_both(
        "an execution that is said to have ended is not asked for", "src/lock/take.py",
        "    if holder:\n        item = judged(item, request)\n",
        "    if holder and holder != request[\"interrupted\"]:\n"
        "        item = judged(item, request)\n",
        "KIND-db_restore/Restore_the_database/recover/",
    ),
    *of_both(
        "a late step does not look at the lock", f"{LAYER}/execution/lock.py",
        "f\"holder = :execution AND {taken_over}(interrupted)\"\n",
        "f\"(holder = :execution OR attribute_not_exists(nothing))"
        " AND {taken_over}(interrupted)\"\n",
        "KIND-rollback/all_states/RenameKindFunction/invoked_while_another_works",
    ),
    *of_both(
        "a late step does not look at the phase", f"{LAYER}/execution/lock.py",
        "f\" AND phase IN (:phase, ",
        "f\" AND phase IN (phase, :phase, ",
        "KIND-rollback/all_states/RenameKindFunction/invoked_after_the_rollback",
    ),
    *of_both(
        "the phase of the lock is set back", f"{LAYER}/execution/lock.py",
        "f\" AND phase IN (:phase, ",
        "f\" AND phase IN (phase, :phase, ",
        "KIND-db_restore/Rename_the_original/RenameKindFunction.UpdateItem#0/late",
    ),
    *of_both(
        "a late step does not look at whose rollback it is", f"{LAYER}/execution/lock.py",
        " AND {taken_over}(interrupted)\"\n",
        " AND (attribute_exists(interrupted) OR attribute_not_exists(interrupted))\"\n",
        "KIND-db_restore/Wait_until_the_database_is_restored/RollBackKindFunction/",
    ),
    # The check
    *of_both(
        "what is left over is not seen", f"{LAYER}/checks/names.py",
        "    if name in look.holders[kind]:\n        findings.add(\n",
        "    if False:\n        findings.add(\n",
        "KIND-db_restore/Check_the_database/prod", "KIND-db_restore/Check_the_database/",
    ),
    *of_both(
        "no quota is looked at", f"{LAYER}/checks/quotas.py",
        "    left = max(0, most - used)\n", "    left = most\n",
        "KIND-db_restore/Check_the_database/prod",
    ),
    # The snapshot
    *of_both(
        "a snapshot is taken again", f"{LAYER}/rds/snapshots.py",
        "        if seen is None:\n            lock.require(event)\n",
        "        if True:\n            lock.require(event)\n",
        "KIND-create_snapshot_only/Take_the_snapshot/SnapshotKindFunction.UpdateItem",
        "KIND-create_snapshot_only/Take_the_snapshot/",
    ),
    *of_both(
        "a snapshot that is untagged is taken again", f"{LAYER}/rds/snapshots.py",
        "    if old and not (is_tagged(old, execution) or renewal.is_own(name, old)):\n",
        "    if old and not is_tagged(old, execution):\n",
        "KIND-create_snapshot_only/Take_the_snapshot/prod",
    ),
    *of_both(
        "a snapshot is taken of whatever has the name", f"{LAYER}/rds/snapshots.py",
        "        if resource_id != plan[\"resourceId\"]:\n", "        if False:\n",
        "KIND-create_snapshot_only/Take_the_snapshot/prod",
    ),
    *of_both(
        "the old snapshot goes first", f"{LAYER}/rds/snapshots.py",
        "        make(successor, found)\n",
        "        remove(name, old)\n        make(successor, found)\n",
        "KIND-create_snapshot_only/Take_the_snapshot/SnapshotKindFunction.DescribeDBKinds",
        "KIND-create_snapshot_only/Take_the_snapshot/",
    ),
    # The rename
    *of_both(
        "a rename that is done is a failure", "src/rename/KIND.py",
        "    if found[\"DBInstanceIdentifier\"] == new_name and is_tagged(found, execution):\n"
        "        return False\n", "",
        "KIND-db_restore/Rename_the_original/RenameKindFunction.ModifyDB",
        "KIND-db_restore/Rename_the_original/",
        cluster=(
            "    if found[\"DBClusterIdentifier\"] == new_name and is_tagged(found, execution):\n"
            "        return False\n", "",
        ),
    ),
    *of_both(
        "whatever has the name is renamed", "src/rename/KIND.py",
        "        found = instance_with(resource_id)\n", "        found = KIND_named(names[0])\n",
        "KIND-db_restore/Rename_the_original/prod", "KIND-db_restore/Rename_the_original/",
        cluster=(
            "    found = cluster_with(resource_id)\n", "    found = cluster_named(name)\n",
        ),
    ),
    # The restore
    *of_both(
        "a restore is asked for again", "src/restore/KIND.py",
        "        if found is None:\n            lock.require(event)\n",
        "        if True:\n            lock.require(event)\n",
        "KIND-db_restore/Restore_the_database/RestoreKindFunction.RestoreDB",
        cluster=(
            "    if found is None:\n        require_unchanged(",
            "    if True:\n        require_unchanged(",
        ),
    ),
    *of_both(
        "whatever has the name counts as restored", "src/restore/KIND.py",
        "        elif not is_tagged(found, plan[\"execution\"]):\n", "        elif False:\n",
        "KIND-db_restore/Restore_the_database/prod", "KIND-db_restore/Restore_the_database/",
        cluster=("    if not is_tagged(found, execution):\n", "    if False:\n"),
    ),
    # The waits
    *of_both(
        "a bad status is waited through", f"{LAYER}/rds/waiters.py",
        "        success=\" && \".join(conditions),\n        bad=kind.bad + DELETING,\n",
        "        success=\" && \".join(conditions),\n        bad=DELETING,\n",
        "KIND-db_restore/Wait_until_the_database_is_restored/rds/failed",
        "KIND-db_restore/Wait_until_the_database_is_restored/prod",
    ),
    # The configuration
    *of_both(
        "whatever has the name is configured", f"{LAYER}/execution/lock.py",
        "    if resource_id != event[\"restored\"][\"resourceId\"]:\n", "    if False:\n",
        "KIND-db_restore/Configure_the_database/prod", "KIND-db_restore/Configure_the_database/",
    ),
    *of_both(
        "what is configured is configured again", f"{LAYER}/configuration/comparison.py",
        "    return [\n        role for role in planned[\"roles\"]"
        " if (role[\"RoleArn\"], role[\"FeatureName\"]) not in present\n    ]\n",
        "    return list(planned[\"roles\"])\n",
        "KIND-db_restore/Configure_the_database/ConfigureKindFunction.AddRole",
    ),
    # The verification
    *of_both(
        "the verification sees nothing", "layers/common/trapheus/configuration/comparison.py",
        "    if lines:\n        kept", "    if False:\n        kept",
        "KIND-db_restore/Verify_the_database/prod",
    ),
    # The deletion
    *of_both(
        "whatever is called so is deleted", "src/delete/KIND.py",
        "        found = seen(lambda: KIND_with(plan[\"resourceId\"]))\n",
        "        found = KIND_named(plan[\"renamedTo\"])\n",
        "KIND-db_restore/Delete_the_original/prod",
        "KIND-db_restore/Delete_the_original/", of_any=True,
    ),
    *of_both(
        "whatever has the planned name is deleted", "src/delete/KIND.py",
        "        if found[\"DBInstanceIdentifier\"] != plan[\"renamedTo\"] or not is_tagged(\n"
        "            found, plan[\"execution\"]\n        ):\n",
        "        if False:\n",
        "KIND-db_restore/Delete_the_original/prod", of_any=True,
        cluster=(
            "        if found[\"DBClusterIdentifier\"] != plan[\"renamedTo\"] or not is_tagged(\n"
            "            found, plan[\"execution\"]\n        ):\n",
            "        if False:\n",
        ),
    ),
    *of_both(
        "a deletion that is done is a failure", "src/delete/KIND.py",
        "        if found is None or found[\"DBInstanceStatus\"] in DELETING:\n",
        "        if found and found[\"DBInstanceStatus\"] in DELETING:\n",
        "KIND-db_restore/Delete_the_original/DeleteKindFunction.DeleteDB",
        cluster=(
            "        if found is None or found[\"Status\"] in DELETING:\n",
            "        if found and found[\"Status\"] in DELETING:\n",
        ),
    ),
    *of_both(
        "the original goes whatever serves in its place", "src/delete/KIND.py",
        "        require_serving(event, named, \"DbiResourceId\", \"DBInstanceStatus\","
        " BAD_INSTANCE)\n",
        "",
        "KIND-db_restore/Delete_the_original/prod",
        cluster=(
            "        require_serving(event, named, \"DbClusterResourceId\", \"Status\","
            " BAD_CLUSTER)\n",
            "",
        ),
    ),
    *of_both(
        "the original goes whoever protects it", f"{LAYER}/rds/deletion.py",
        "    if PROTECT_TAG in tags or (original.get(\"DeletionProtection\") and not was):\n",
        "    if False:\n",
        "KIND-db_restore/Delete_the_original/prod",
    ),
    *of_both(
        "what is to be kept is deleted", "statemachine/restore.asl.yaml",
        "$.request.keepOriginal, BooleanEquals: true, Next: Untag what stays}\n",
        "$.request.keepOriginal, BooleanEquals: true, Next: Delete the original}\n",
        "KIND-keep_original/all_states/",
    ),
    *of_both(
        "there is no final snapshot", "src/delete/KIND.py",
        "    plan, request = event[\"plan\"], event[\"request\"]\n",
        "    plan, request = event[\"plan\"], event[\"request\"] | {\"finalSnapshot\": False}\n",
        "KIND-final_snapshot/",
    ),
    *of_both(
        "automated backups are not kept", "src/delete/KIND.py",
        "            DeleteAutomatedBackups=request[\"deleteAutomatedBackups\"],\n",
        "            DeleteAutomatedBackups=True,\n",
        "KIND-db_restore/Untag_what_stays/",
    ),
    # The tags
    *of_both(
        "tags stay", f"{LAYER}/rds/access.py",
        "        if is_tagged(found, execution):\n            rds().remove_tags",
        "        if False:\n            rds().remove_tags",
        "KIND-db_restore/Untag_what_stays/",
    ),
    # The rollback
    *of_both(
        "nothing is rolled back", "statemachine/restore.asl.yaml",
        "ResultPath: $.error, Next: Roll back}\n    Next: Finish\n",
        "ResultPath: $.error, Next: Tell what failed}\n    Next: Finish\n",
        "KIND-db_restore/Restore_the_database/",
    ),
    *of_both(
        "a name that is given back is asked for again", "src/roll_back/KIND.py",
        "    if not has_name:\n", "    if True:\n",
        "KIND-rollback/Put_the_original_back/",
        cluster=(
            "    if not has_name:\n        rds().modify_db_cluster(\n",
            "    if True:\n        rds().modify_db_cluster(\n",
        ),
    ),
    *of_both(
        "what serves is removed for an original that is lost", f"{LAYER}/rds/rollback.py",
        "    if not found or shown in hopeless:\n", "    if False:\n",
        "KIND-db_restore/Put_the_original_back/prod",
    ),
    *of_both(
        "two looks are one", f"{LAYER}/rds/rollback.py",
        "    time.sleep(BETWEEN_LOOKS)\n", "",
        "KIND-db_restore/Rename_the_original/RenameKindFunction",
        "KIND-rollback/all_states/rds/stale",
    ),
    *of_both(
        "whatever has the name is removed", f"{LAYER}/rds/rollback.py",
        "    return is_tagged(found, plan[\"execution\"]) and found.get(created, began) >= began\n",
        "    return True\n",
        "KIND-rollback/Put_the_original_back/prod", "KIND-db_restore/Restore_the_database/prod",
        "KIND-restore_first/Configure_the_copy/prod", of_any=True,
    ),
    *of_both(
        "the copy stays", "src/roll_back/KIND.py",
        "        if copy and is_own(plan, copy, CREATED):\n", "        if False:\n",
        "KIND-restore_first/Make_the_copy/RestoreKindFunction.RestoreDB",
        "KIND-restore_first/Make_the_copy/",
        cluster=(
            "        if seen.copy and is_own(plan, seen.copy, CREATED):\n", "        if False:\n",
        ),
    ),
    *of_both(
        "what was restored keeps the name", "src/roll_back/KIND.py",
        "            step_back(plan, named, copy)\n", "",
        "KIND-swap_back/all_states/", "KIND-swap_back/",
        cluster=("        step_cluster_back(plan, named, seen.copy)\n        return False\n",
                 "        return left\n"),
    ),
    *of_both(
        "nothing but the attributes is looked at", "src/verify/KIND.py",
        "        lines = [*deviations(event, found, source), *stands(event)]\n",
        "        lines: list[str] = []\n",
        "KIND-db_restore/Verify_the_database/prod",
    ),
    *of_both(
        "the parts have no statuses", "layers/common/trapheus/configuration/comparison.py",
        '    for line in statuses.lines(found, "wrong", "waiting"):\n',
        "    for line in list[str]():\n",
        "KIND-db_restore/Verify_the_database/AssociatedRoles",
    ),
    # The hooks
    *of_both(
        "a hook is run twice without repeatable", "statemachine/hooks.asl.yaml",
        "      - {Condition: \"{% $hook.repeatable %}\", Next:",
        "      - {Condition: \"{% true %}\", Next:",
        "KIND-hooks/Run_the_hooks/mask/its_answer_is_lost",
    ),
    *of_both(
        "a hook that has not passed is passed over", "statemachine/restore.asl.yaml",
        "                Next: A hook has not passed\n",
        "                Next: Verify the copy again\n",
        "KIND-hooks_refused/",
    ),
    *of_both(
        "what a hook has refused is not removed", "statemachine/restore.asl.yaml",
        "ResultPath: $.error, Next: Roll back}\n    Next: Is the copy to be swapped?\n",
        "ResultPath: $.error, Next: Tell what failed}\n    Next: Is the copy to be swapped?\n",
        "KIND-hooks_refused/", "KIND-copy_hooks/Run_the_hooks/",
    ),
    *of_both(
        "a target is kept before its hooks", f"{LAYER}/hooks.py",
        "        lock.require(event)\n", "        lock.require({**event, \"phase\": FINISH})\n",
        "KIND-copy_hooks/Run_the_hooks/entered/stopped",
    ),
    # The export
    *of_both(
        "an export that cannot be started fails the restore", "statemachine/restore.asl.yaml",
        "              - {ErrorEquals: [States.ALL], ResultPath: $.exportError,\n"
        "                  Next: Tell that the snapshot is not exported}\n",
        "",
        "KIND-create_snapshot_only/Start_the_export/",
        "KIND-create_snapshot/Start_the_export/",
    ),
    # The ends
    *of_both(
        "the lock is kept", "statemachine/restore.asl.yaml",
        "ResultPath: $.error, Next: Tell what failed}\n    Next: Release the lock\n",
        "ResultPath: $.error, Next: Tell what failed}\n    Next: How did it end?\n",
        "KIND-db_restore/Untag_what_stays/",
    ),
    *of_both(
        "a failure is a success", "statemachine/restore.asl.yaml",
        "  Not restored:\n    Type: Fail\n    ErrorPath: $.error.Error\n"
        "    CausePath: $.alert.cause\n",
        "  Not restored:\n    Type: Succeed\n",
        "KIND-db_restore/Restore_the_database/",
    ),
    *of_both(
        "nobody is told", "src/notify/send.py",
        "    message = ABOUT.get(",
        "    return {\"cause\": \"nothing\"}\n    message = ABOUT.get(",
        "KIND-db_restore/Restore_the_database/",
    ),
)  # fmt: skip

# What some of them need besides: a look by name.
IMPORT = {
    "instance": "from trapheus.rds.access import instance as instance_named\n",
    "cluster": "from trapheus.rds.access import cluster as cluster_named\n",
}


@contextmanager
def sabotaged(sabotage: Sabotage) -> Iterator[Path]:
    """A copy of the app with the change in it; its template's path."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for part in ("src", "layers", "statemachine"):
            shutil.copytree(ROOT / part, root / part)
        shutil.copy(ROOT / TEMPLATE, root)
        file = root / sabotage.file
        file.write_text(changed(sabotage, file.read_text()))
        template = root / TEMPLATE
        if sabotage.of_any:
            template.write_text(template.read_text().replace(ONLY_TAGGED, "}\n"))
        yield template


def changed(sabotage: Sabotage, text: str) -> str:
    """The text of the file that a sabotage changes."""
    if text.count(sabotage.old) != 1:
        raise RuntimeError(f"{sabotage.name}: {text.count(sabotage.old)} matches, not one")
    text = text.replace(sabotage.old, sabotage.new)
    for kind, line in IMPORT.items():
        if f"{kind}_named(" in text:
            text = text.replace(
                "from trapheus.execution.logs import logged\n",
                f"{line}from trapheus.execution.logs import logged\n",
            )
    return text
