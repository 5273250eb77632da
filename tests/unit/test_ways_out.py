"""The blocks of commands in a mail, pasted: what RDS holds afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from tests.mailed import Block, blocks, paste
from tests.unit.conftest import (
    ANOTHER,
    CLUSTER,
    EXECUTION,
    INSTANCE,
    Aws,
    Kind,
    Post,
    of_clusters,
    of_instances,
)
from tests.unit.mails import a_state, error, tell
from trapheus.execution.constants import PROTECT_TAG
from trapheus.rds.access import in_progress_tag, rds

FINISHED = "TO LET THE ROLLBACK BE FINISHED"
ROLLBACK = {"rollbackError": error("RollbackFailed")}
AT = "2026-03-02T09:30:00+00:00"
Ids = dict[str, str]
REPORTING = {
    "identifier": "reporting", "type": "ANY", "static": ["prod-cluster-reader"], "excluded": [],
    "tags": [{"Key": "of", "Value": "Fred and Ann"}],
}  # fmt: skip


def ways(aws: Aws, post: Post, plan: dict, failure: str, **more: Any) -> list[Block]:
    """The blocks of the mail about a failure, but for that which lets the app itself recover."""
    post.sent.clear()
    tell(a_state(plan, error(failure), **more))
    return [one for one in blocks(post.text) if one.heading != FINISHED]


def kept(aws: Aws, post: Post, plan: dict, failure: str = "ConfigurationDiffers") -> list[Block]:
    """The blocks of the mail when both databases stay."""
    return ways(aws, post, plan, failure, restored=aws.restored(plan), served={"at": AT})


def pasted(aws: Aws, block: Block) -> None:
    """Paste a block that goes through."""
    assert paste(block, rds()) is None
    aws.settle()


def names_of(plan: dict) -> Ids:
    """The original's names, by resource id."""
    return {part["resourceId"]: part["identifier"] for part in (plan, *plan.get("members", []))}


def serves(aws: Aws, ids: Ids) -> bool:
    """Whether each of these has its name, is available and carries no tag."""
    return all(
        aws.names().get(one) == name
        and shown(aws, name, one) == "available"
        and in_progress_tag(EXECUTION) not in described(aws, name, one)["TagList"]
        for one, name in ids.items()
    )


def described(aws: Aws, name: str, resource_id: str) -> dict:
    return aws.found(name, "cluster" if resource_id.startswith("cluster-") else "instance")


def shown(aws: Aws, name: str, resource_id: str) -> str:
    found = described(aws, name, resource_id)
    return found.get("DBInstanceStatus") or found["Status"]


def restored_names(aws: Aws, plan: dict) -> Ids:
    """The names of what has the original's names, by resource id."""
    found = {name: one for one, name in aws.names().items()}
    cluster = {plan["identifier"]: aws.id_of()}
    held = found | cluster
    return {held[name]: name for name in names_of(plan).values()}


@pytest.fixture(params=["finished", "swapped"])
def stays(request: pytest.FixtureRequest, kind: Kind) -> dict[str, Any]:
    """The plan of either strategy, what was restored serving."""
    return request.getfixturevalue(request.param)


# Both stay


def test_the_block_back_gives_the_original_its_names(aws: Aws, post: Post, stays: dict):
    restored, situation = restored_names(aws, stays), set(aws.names())

    back, _ = kept(aws, post, stays)
    pasted(aws, back)

    assert serves(aws, names_of(stays))
    assert serves(aws, {one: f"{name}-away" for one, name in restored.items()})
    assert set(aws.names()) == situation


def test_the_block_forward_leaves_only_what_was_restored(aws: Aws, post: Post, stays: dict):
    restored, others = restored_names(aws, stays), set(aws.names()) - set(names_of(stays))

    _, forward = kept(aws, post, stays)
    pasted(aws, forward)

    assert serves(aws, restored)
    assert set(aws.names()) == others


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["back first", "forward first"])
def test_the_second_of_two_ways_stops_before_it_does_anything(
    aws: Aws, post: Post, stays: dict, *, order: tuple[int, int]
):
    both = kept(aws, post, stays)
    pasted(aws, both[order[0]])
    situation = aws.names()

    assert paste(both[order[1]], rds())

    aws.settle()
    assert aws.names() == situation


def test_going_back_is_told_first_and_names_both_by_their_ids(aws: Aws, post: Post, stays: dict):
    restored = aws.id_of()

    back, forward = kept(aws, post, stays)

    assert back.heading == f"TO GO BACK: THE ORIGINAL AS {stays['identifier'].upper()}"
    assert f"{stays['renamedTo']} ({stays['resourceId']}) gets the name" in "\n".join(back.lines)
    assert f"{stays['identifier']} ({restored}) gets the name" in "\n".join(back.lines)
    assert f"deletes the original, {stays['renamedTo']} ({stays['resourceId']})" in forward.lines[0]
    assert "A wait gives up after four hours" in post.text


def test_what_stands_is_told_before_the_ways(aws: Aws, post: Post, stays: dict):
    kept(aws, post, stays)

    order = ["WHAT TO DO", "WHAT STANDS NOW", "TO GO BACK", "TO KEEP"]
    assert sorted(order, key=post.text.index) == order


def test_where_nothing_is_asked_or_waited_for_neither_is_told_of(aws: Aws, post: Post, stays: dict):
    kept(aws, post, stays, "UntagFailed")

    assert "Each block is one command" in post.text
    assert "another resource id" not in post.text
    assert "A wait" not in post.text


def test_an_old_mail_s_block_deletes_no_other_database(aws: Aws, post: Post, stays: dict):
    back, forward = kept(aws, post, stays)
    pasted(aws, back)
    foreign = aws.foreign(stays["renamedTo"])
    protect(aws, stays["renamedTo"])

    assert paste(forward, rds())

    aws.settle()
    assert aws.names()[foreign] == stays["renamedTo"]
    assert serves(aws, names_of(stays))


def test_what_fails_in_a_block_stops_the_rest(aws: Aws, post: Post, stays: dict):
    back, _ = kept(aws, post, stays)
    situation = aws.names()
    aws.fail(f"Modify{aws.kind.operation}", "InsufficientStorageClusterCapacity")
    aws.fail("ModifyDBInstance", "InsufficientDBInstanceCapacity")

    assert paste(back, rds())

    aws.settle()
    assert aws.names() == situation


def test_the_protection_that_the_original_had_is_taken_off_first(aws: Aws, post: Post, stays: dict):
    assert aws.found(stays["renamedTo"])["DeletionProtection"]
    assert stays["modify"]["DeletionProtection"]

    _, forward = kept(aws, post, stays)
    pasted(aws, forward)

    assert "this takes its protection off" in forward.lines[1]
    assert stays["resourceId"] not in aws.names()


def protect(aws: Aws, name: str) -> None:
    """Let a database be protected from deletion."""
    key = f"{aws.kind.operation}Identifier"
    aws.rds.call(f"Modify{aws.kind.operation}", {key: name, "DeletionProtection": True})
    aws.settle()


@pytest.mark.parametrize("how", ["protection", "tag"])
def test_an_original_that_somebody_has_protected_is_not_to_be_deleted(
    aws: Aws, post: Post, stays: dict, *, how: str
):
    if how == "protection":
        # It is protected now, and was not when the plan was made.
        stays["modify"]["DeletionProtection"] = False
    else:
        arn = aws.rds.arn(aws.kind.name, stays["renamedTo"])
        tags = [{"Key": PROTECT_TAG, "Value": ""}]
        aws.rds.call("AddTagsToResource", {"ResourceName": arn, "Tags": tags})

    (back,) = kept(aws, post, stays)

    assert "protect" in post.text.partition("TO KEEP WHAT WAS RESTORED")[2]
    pasted(aws, back)
    assert serves(aws, names_of(stays))


@of_clusters
def test_an_original_to_which_somebody_has_added_a_member_is_not_to_be_deleted(
    aws: Aws, post: Post, stays: dict
):
    with aws.rds.instantly():
        aws.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": "analytics", "DBClusterIdentifier": stays["renamedTo"],
            "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql",
        })  # fmt: skip

    assert len(kept(aws, post, stays, "DeleteFailed")) == 1
    assert "analytics" in post.text.partition("TO KEEP WHAT WAS RESTORED")[2]


def test_an_original_whose_copy_does_not_serve_is_not_to_be_deleted(
    aws: Aws, post: Post, stays: dict
):
    lost = error("DeleteFailed", "It is lost: nothing was deleted.", unserved=aws.kind.identifier)
    gist = tell(a_state(stays, lost, restored=aws.restored(stays), served={"at": AT}))

    (back,) = blocks(post.text)

    assert f"What was restored does not serve as {aws.kind.identifier}" in gist
    assert f"before you delete {stays['renamedTo']}" in post.text
    pasted(aws, back)
    assert serves(aws, names_of(stays))


def test_what_clients_may_have_written_to_is_not_deleted_by_going_back(
    aws: Aws, post: Post, stays: dict
):
    aws.force("incompatible-parameters")

    assert kept(aws, post, stays) == []

    assert "is incompatible-parameters, in which RDS renames nothing" in post.text
    assert f"{aws.kind.identifier} is incompatible-parameters: see" in post.text


@of_clusters
def test_a_cluster_without_its_members_is_not_to_come_back(aws: Aws, post: Post, stays: dict):
    for member in stays["members"]:
        aws.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": member["renamedTo"]})
    aws.settle()

    (forward,) = kept(aws, post, stays)

    assert "has no members any more" in post.text
    pasted(aws, forward)
    assert stays["resourceId"] not in aws.names()


def test_an_original_that_is_gone_leaves_nothing_to_choose(aws: Aws, post: Post, stays: dict):
    restored = restored_names(aws, stays)
    aws.until_done("delete", plan=stays)
    aws.settle()

    (forward,) = kept(aws, post, stays, "DeleteFailed")

    pasted(aws, forward)
    assert serves(aws, restored)


@of_clusters
@pytest.mark.parametrize("way", [0, 1], ids=["back", "forward"])
@pytest.mark.parametrize("held", ["by nobody", "by the restored one", "by another one"])
def test_custom_endpoints_go_with_the_identifier(
    aws: Aws, post: Post, stays: dict, *, way: int, held: str
):
    stays["endpoints"], name = [REPORTING], REPORTING["identifier"]
    mover = {"by the restored one": "prod-cluster", "by another one": "elsewhere"}
    aws.rds.custom_endpoints.clear()
    if held == "by another one":
        aws.foreign("elsewhere")
    if held in mover:
        with aws.rds.instantly():
            aws.rds.call("CreateDBClusterEndpoint", {
                "DBClusterIdentifier": mover[held], "DBClusterEndpointIdentifier": name,
                "EndpointType": "READER",
            })  # fmt: skip

    block = kept(aws, post, stays)[way]
    pasted(aws, block)

    found = aws.rds.custom_endpoints[name]
    if held == "by another one":
        assert f"The custom endpoint {name} is another cluster's: elsewhere." in block.lines
        assert found["DBClusterIdentifier"] == "elsewhere"
        return
    assert found["DBClusterIdentifier"] == "prod-cluster"
    if (held, way) != ("by the restored one", 1):
        assert found["CustomEndpointType"] == "ANY"
        assert found["StaticMembers"] == ["prod-cluster-reader"]
        asked = {"ResourceName": found["DBClusterEndpointArn"]}
        assert aws.rds.call("ListTagsForResource", asked)["TagList"] == REPORTING["tags"]


@of_clusters
def test_where_rds_does_not_say_who_has_the_endpoints_the_rest_is_told(
    aws: Aws, post: Post, stays: dict
):
    stays["endpoints"] = [REPORTING]
    aws.fail("DescribeDBClusterEndpoints", "AccessDenied", status=403)

    back, _ = kept(aws, post, stays)

    assert "RDS did not say what has its custom endpoints" in " ".join(back.lines)
    aws.faults.clear()
    pasted(aws, back)
    assert serves(aws, names_of(stays))


# Names of every length


def of_length(aws: Aws, length: int, member: int) -> dict[str, Any]:
    """The plan of a database with the longest names that may be restored."""
    aws.kind = replace(aws.kind, identifier=aws.kind.identifier.ljust(length, "x"))
    if aws.kind.name == "instance":
        rename(aws, "Instance", "prod-db", aws.kind.identifier)
    else:
        rename(aws, "Cluster", "prod-cluster", aws.kind.identifier)
        for name in ("prod-cluster-writer", "prod-cluster-reader"):
            rename(aws, "Instance", name, name.ljust(member, "x"))
    snapshot = "prod-db-snapshot" if aws.kind.name == "instance" else "prod-cluster-snapshot"
    return aws.plan(snapshotIdentifier=snapshot)


def rename(aws: Aws, kind: str, name: str, new_name: str) -> None:
    aws.rds.call(
        f"ModifyDB{kind}",
        {f"DB{kind}Identifier": name, f"NewDB{kind}Identifier": new_name, "ApplyImmediately": True},
    )
    aws.settle()


@pytest.mark.parametrize(("a_kind", "length"), [(INSTANCE, 58), (CLUSTER, 54)])
def test_the_longest_names_come_back(aws: Aws, post: Post, a_kind: Kind, length: int):
    aws.kind = a_kind
    plan = of_length(aws, length, 58)
    aws.rename_original(plan)
    aws.replace(plan)
    situation = set(aws.names())

    back, _ = kept(aws, post, plan)
    pasted(aws, back)

    assert serves(aws, names_of(plan))
    assert set(aws.names()) == situation
    assert max(map(len, names_of(plan).values())) == 58


# Only the tag


def tagged(aws: Aws) -> list[str]:
    """The names of all databases and snapshots that carry the execution's tag."""
    held = (
        aws.rds.instances, aws.rds.clusters, aws.rds.snapshots, aws.rds.cluster_snapshots,
    )  # fmt: skip
    return [
        name
        for one in held
        for name, found in one.items()
        if in_progress_tag(EXECUTION) in found["TagList"]
    ]


@pytest.mark.parametrize("situation", ["finished", "swapped", "target"])
def test_after_a_failed_untagging_the_tag_is_all_that_is_proposed(
    request: pytest.FixtureRequest, aws: Aws, post: Post, kind: Kind, situation: str
):
    plan = request.getfixturevalue(situation)
    aws.stamp(plan["snapshot"], aws.snapshot_kind)
    names = aws.names()

    (block,) = kept(aws, post, plan, "UntagFailed")

    assert len(tagged(aws)) >= 2
    pasted(aws, block)
    assert tagged(aws) == []
    assert aws.names() == names


# The rollback has failed


def test_an_original_in_whose_place_nothing_was_made_comes_back(
    aws: Aws, post: Post, renamed: dict
):
    (back,) = ways(aws, post, renamed, "RestoreFailed", **ROLLBACK)

    pasted(aws, back)

    assert serves(aws, names_of(renamed))
    assert '"task": "recover"' in post.text


def test_an_original_comes_back_in_place_of_what_was_restored(aws: Aws, post: Post, replaced: dict):
    restored, situation = restored_names(aws, replaced), set(aws.names())

    (back,) = ways(aws, post, replaced, "RestoreFailed", **ROLLBACK)
    pasted(aws, back)

    assert serves(aws, names_of(replaced))
    assert set(aws.names()) == situation
    assert all(aws.names()[one] == f"{name}-away" for one, name in restored.items())


def test_what_cannot_be_renamed_and_never_served_is_deleted(aws: Aws, post: Post, replaced: dict):
    restored = restored_names(aws, replaced)
    aws.force("failed")

    (back,) = ways(aws, post, replaced, "RestoreFailed", **ROLLBACK)
    pasted(aws, back)

    assert f"this deletes {aws.kind.identifier}" in "\n".join(back.lines)
    assert serves(aws, names_of(replaced))
    assert not set(restored) & set(aws.names())


def test_what_is_being_made_is_waited_for(aws: Aws, post: Post, renamed: dict):
    aws.run_once("restore", plan=renamed)
    aws.clock.sleep(60)

    (back,) = ways(aws, post, renamed, "RestoreFailed", **ROLLBACK)

    assert f"aws rds wait db-{aws.kind.name}-available" in back.commands[1]
    for _ in range(8):
        if paste(back, rds()) is None:
            break
    aws.settle()
    assert serves(aws, names_of(renamed))


def test_a_rename_that_was_under_way_when_the_mail_was_written_is_no_failure(
    aws: Aws, post: Post, renamed: dict
):
    key = f"{aws.kind.operation}Identifier"
    given = {key: renamed["renamedTo"], f"New{key}": renamed["identifier"]}
    aws.rds.call(f"Modify{aws.kind.operation}", given | {"ApplyImmediately": True})
    aws.clock.sleep(1)
    (back,) = ways(aws, post, renamed, "RestoreFailed", **ROLLBACK)
    aws.settle()

    pasted(aws, back)

    assert serves(aws, names_of(renamed))


def test_a_swap_is_undone_and_then_its_copy_removed(aws: Aws, post: Post, swapped: dict):
    restored = restored_names(aws, swapped)
    (back,) = ways(aws, post, swapped, "RenameFailed", **ROLLBACK)
    pasted(aws, back)

    assert serves(aws, names_of(swapped))
    assert all(aws.names()[one] == f"{name}-copy" for one, name in restored.items())

    (removal,) = ways(aws, post, swapped, "RenameFailed", **ROLLBACK)
    pasted(aws, removal)
    assert serves(aws, names_of(swapped))
    assert not set(restored) & set(aws.names())


def test_an_original_that_has_left_its_names_comes_back_and_the_copy_stays(
    aws: Aws, post: Post, copied: dict
):
    aws.rename_original(copied)

    back, removal = ways(aws, post, copied, "RenameFailed", **ROLLBACK)
    for block in (removal, back):
        pasted(aws, block)

    assert serves(aws, names_of(copied))
    assert not [name for name in aws.names().values() if name.endswith("-copy")]


@of_clusters
def test_a_swap_that_was_cut_off_between_cluster_and_members_is_undone(
    aws: Aws, post: Post, copied: dict
):
    before = names_of(copied)
    copy = {one: name for one, name in aws.names().items() if name.endswith("-copy")}
    rename(aws, "Cluster", "prod-cluster", "prod-cluster-temp")
    rename(aws, "Cluster", "prod-cluster-copy", "prod-cluster")
    rename(aws, "Instance", "prod-cluster-writer", "prod-cluster-writer-temp")
    rename(aws, "Instance", "prod-cluster-writer-copy", "prod-cluster-writer")

    (back,) = ways(aws, post, copied, "RenameFailed", **ROLLBACK)
    pasted(aws, back)

    assert serves(aws, before)
    assert {one: aws.names()[one] for one in copy} == copy


# A look was denied


@pytest.mark.parametrize("situation", ["copied", "target"])
def test_after_a_denied_look_nothing_but_the_copy_is_offered_to_be_deleted(
    request: pytest.FixtureRequest, aws: Aws, post: Post, kind: Kind, situation: str
):
    """The rollback's own look was denied: the original serves, and the copy stands beside it."""
    plan = request.getfixturevalue(situation)
    before = {one: name for one, name in aws.names().items() if not is_restored(name, plan)}

    found = ways(aws, post, plan, "ConfigurationDiffers", **ROLLBACK)

    for block in found:
        pasted(aws, block)
    assert aws.names() == before
    assert serves(aws, names_of(plan))


def is_restored(name: str, plan: dict) -> bool:
    """Whether it is one of the names of what was restored."""
    return name in {part["restoredAs"] for part in (plan, *plan.get("members", []))}


@pytest.mark.parametrize("situation", ["copied", "target", "renamed", "replaced", "swapped"])
@pytest.mark.parametrize("failure", ["RenameFailed", "UntagFailed"])
def test_where_rds_cannot_be_asked_pasting_everything_changes_nothing(
    request: pytest.FixtureRequest,
    aws: Aws,
    post: Post,
    kind: Kind,
    *,
    situation: str,
    failure: str,
):
    plan = request.getfixturevalue(situation)
    names, tags = aws.names(), tagged(aws)
    denied = {"status": 403, "times": 1}
    aws.fail(f"Describe{kind.operation}s", "AccessDenied", **denied)
    finishing = {"lock": {"phase": "finish"}} if failure == "UntagFailed" else ROLLBACK

    found = ways(aws, post, plan, failure, **finishing)

    assert found
    aws.calls.clear()
    for block in found:
        pasted(aws, block)
    assert set(aws.calls) <= {"DescribeDBInstances", "DescribeDBClusters"}
    assert (aws.names(), tagged(aws)) == (names, tags)


@pytest.mark.parametrize("situation", ["renamed", "copied"])
def test_somebody_else_s_database_is_renamed_by_a_block_that_says_so_and_the_original_comes_back(
    request: pytest.FixtureRequest, aws: Aws, post: Post, kind: Kind, situation: str
):
    plan, foreign = taken_by_somebody(request, aws, situation)

    away, back, *rest = ways(aws, post, plan, "NameTaken", **ROLLBACK)

    assert away.heading.startswith(f"TO RENAME WHAT ELSE IS CALLED {kind.identifier.upper()}")
    assert f"is another database now ({foreign})" in away.lines[0]
    # The other ways leave it alone, and going back does nothing before it is renamed.
    names = aws.names()
    assert paste(back, rds()) is not None
    aws.settle()
    assert aws.names() == names
    pasted(aws, away)
    assert aws.names()[foreign] == f"{kind.identifier}-away"
    for block in (back, *rest):
        pasted(aws, block)
    assert serves(aws, names_of(plan))
    assert aws.names()[foreign] == f"{kind.identifier}-away"
    assert not [name for name in aws.names().values() if name.endswith("-copy")]


def taken_by_somebody(
    request: pytest.FixtureRequest, aws: Aws, situation: str
) -> tuple[dict[str, Any], str]:
    """The plan, and the resource id of somebody's database that has the identifier by now."""
    plan = request.getfixturevalue(situation)
    if situation == "copied":
        aws.rename_original(plan)
    foreign = aws.foreign(aws.kind.identifier)
    aws.stamp(execution=ANOTHER)
    return plan, foreign


@of_clusters
def test_somebody_else_s_instance_under_a_member_s_name_is_renamed_too(
    aws: Aws, post: Post, renamed: dict
):
    foreign = aws.foreign("prod-cluster-reader", "instance")

    away, back = ways(aws, post, renamed, "NameTaken", **ROLLBACK)
    for block in (away, back):
        pasted(aws, block)

    assert serves(aws, names_of(renamed))
    assert aws.names()[foreign] == "prod-cluster-reader-away"


def test_where_the_other_name_is_taken_too_nothing_is_offered_for_it(
    request: pytest.FixtureRequest, aws: Aws, post: Post, kind: Kind
):
    plan, foreign = taken_by_somebody(request, aws, "renamed")
    aws.foreign(f"{kind.identifier}-away")

    for block in ways(aws, post, plan, "NameTaken", **ROLLBACK):
        assert paste(block, rds()) is not None

    aws.settle()
    assert aws.names()[foreign] == kind.identifier
    assert f"{kind.identifier}-away is taken: choose another name for it." in post.text


@of_instances
def test_a_name_that_is_taken_is_told(aws: Aws, post: Post, finished: dict):
    aws.foreign(f"{finished['identifier']}-away")

    (forward,) = kept(aws, post, finished)

    assert "prod-db-away is taken" in post.text
    assert "DELETES" not in forward.heading


# Restored at a target


@pytest.mark.parametrize(("which", "stands"), [(0, False), (1, True)], ids=["remove", "keep"])
def test_a_target_is_removed_or_kept(
    aws: Aws, post: Post, target: dict, *, which: int, stands: bool
):
    restored = aws.restored(target)["resourceId"]
    protect(aws, target["restoredAs"])

    found = kept(aws, post, target)
    pasted(aws, found[which])

    assert len(found) == 2
    assert (restored in aws.names()) == stands
    if stands:
        assert tagged(aws) == []
    assert serves(aws, names_of(target))
    assert f"Resource id: {restored}." in post.text


def test_a_target_whose_removal_has_failed_is_removed(aws: Aws, post: Post, target: dict):
    (removal,) = ways(aws, post, target, "RestoreFailed", **ROLLBACK)

    pasted(aws, removal)

    assert not [name for name in aws.names().values() if is_restored(name, target)]
    assert serves(aws, names_of(target))


# As the request has said


def asked(aws: Aws, post: Post, plan: dict, *, interrupted: str = "", **options: bool) -> Block:
    """The block forward of the mail about a request with these options."""
    post.sent.clear()
    state = a_state(plan, error("DeleteFailed"), restored=aws.restored(plan), served={"at": AT})
    state["request"] |= options
    tell(state | ({"lock": {"phase": "finish", "interrupted": interrupted}} if interrupted else {}))
    _, forward = blocks(post.text)
    return forward


def final_snapshots(aws: Aws, plan: dict) -> list[dict]:
    """The original's last snapshots, by the name that the app gives them."""
    name = f"{plan['identifier']}-{in_progress_tag(EXECUTION)['Value'][:8]}"
    found = aws.found(name, aws.snapshot_kind)
    return [found] if found else []


def retained(aws: Aws) -> list[str]:
    """The resource ids of deleted databases whose automated backups are kept."""
    both = (*aws.rds.retained_backups, *aws.rds.retained_cluster_backups)
    return [one.get("DbiResourceId") or one["DbClusterResourceId"] for one in both]


def test_the_final_snapshot_that_was_asked_for_is_taken(aws: Aws, post: Post, stays: dict):
    forward = asked(aws, post, stays, finalSnapshot=True)

    pasted(aws, forward)

    (final,) = final_snapshots(aws, stays)
    assert final["Status"] == "available"
    assert final["DBSnapshotIdentifier" if "DBSnapshotIdentifier" in final else
                 "DBClusterSnapshotIdentifier"] in forward.lines[0]  # fmt: skip
    assert tagged(aws) == []
    assert stays["resourceId"] not in aws.names()


@pytest.mark.parametrize("deletes", [True, False])
def test_the_automated_backups_go_or_stay_as_was_asked_for(
    aws: Aws, post: Post, stays: dict, *, deletes: bool
):
    pasted(aws, asked(aws, post, stays, deleteAutomatedBackups=deletes))

    assert (stays["resourceId"] in retained(aws)) != deletes
    assert final_snapshots(aws, stays) == []


def test_an_original_that_is_to_be_kept_is_not_deleted(aws: Aws, post: Post, stays: dict):
    forward = asked(aws, post, stays, keepOriginal=True)

    pasted(aws, forward)

    assert aws.names()[stays["resourceId"]] == stays["renamedTo"]
    assert tagged(aws) == []


def test_where_the_request_is_not_known_a_final_snapshot_is_taken(
    aws: Aws, post: Post, stays: dict
):
    forward = asked(aws, post, stays, interrupted=EXECUTION, deleteAutomatedBackups=True)

    pasted(aws, forward)

    assert "is not known here" in " ".join(forward.lines)
    asks = [one.startswith("test ") for one in forward.commands[1:]]
    assert asks == sorted(asks, reverse=True), "something is changed before all was looked at"
    assert final_snapshots(aws, stays)
    assert stays["resourceId"] in retained(aws)


def test_the_protection_that_a_deletion_has_taken_off_comes_back(aws: Aws, post: Post, stays: dict):
    assert stays["modify"]["DeletionProtection"]
    key = f"{aws.kind.operation}Identifier"
    given = {key: stays["renamedTo"], "DeletionProtection": False}
    aws.rds.call(f"Modify{aws.kind.operation}", given)
    aws.settle()

    back, _ = kept(aws, post, stays)
    pasted(aws, back)

    assert "protection from deletion, which was taken off, is put on again" in str(back.lines)
    assert aws.found()["DeletionProtection"]


def test_a_restored_one_that_is_stopped_is_started_and_renamed(aws: Aws, post: Post, stays: dict):
    with aws.rds.instantly():
        given = {f"{aws.kind.operation}Identifier": aws.kind.identifier}
        aws.rds.call(f"Stop{aws.kind.operation}", given)
    aws.settle()

    (back,) = kept(aws, post, stays)
    pasted(aws, back)

    assert serves(aws, names_of(stays))


@pytest.mark.parametrize("is_protected", [True, False])
def test_where_the_original_is_lost_what_was_restored_may_stay(
    aws: Aws, post: Post, replaced: dict, *, is_protected: bool
):
    restored = restored_names(aws, replaced)
    aws.found(replaced["renamedTo"])["DeletionProtection"] = is_protected
    aws.force("failed", replaced["renamedTo"])

    (keep,) = ways(aws, post, replaced, "RestoreFailed", **ROLLBACK)

    assert keep.heading == f"TO KEEP WHAT WAS RESTORED AS {aws.kind.identifier.upper()}"
    assert keep.commands[-1].startswith("aws dynamodb delete-item --region us-east-1")
    assert "attribute_not_exists(holder)" in keep.commands[-1]
    pasted(aws, keep)
    assert serves(aws, restored)
    # RDS takes the protection off nothing that has failed.
    assert (replaced["resourceId"] in aws.names()) == is_protected
