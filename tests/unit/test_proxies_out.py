"""The blocks of a mail where a proxy is concerned, pasted: whom its clients reach afterwards."""

import pytest

from tests import proxies
from tests.mailed import Block, blocks, paste
from tests.unit.conftest import Aws, Kind, Post
from tests.unit.mails import a_state, error, tell
from trapheus.rds.access import rds

AT = "2026-03-02T09:30:00+00:00"
# Up to where the register step had come when something failed.
DONE = ("nothing done", "the original taken out", "the restored one registered")


def told(aws: Aws, post: Post, plan: dict, failure: str = "ProxyFailed") -> list[Block]:
    """The blocks of the mail when both databases stay."""
    post.sent.clear()
    tell(a_state(plan, error(failure), restored=aws.restored(plan), served={"at": AT}))
    return blocks(post.text)


def pasted(aws: Aws, block: Block) -> None:
    """Paste a block that goes through."""
    assert paste(block, rds()) is None
    aws.settle()


@pytest.fixture(params=DONE)
def begun(request: pytest.FixtureRequest, aws: Aws, proxied: dict) -> dict:
    """The plan, with the register step done so far."""
    if request.param == DONE[1]:
        aws.rds.proxy_targets["pool"].clear()
    if request.param == DONE[2]:
        aws.until_done("register", plan=proxied)
    return proxied


def test_after_the_block_back_the_proxy_reaches_the_original(aws: Aws, post: Post, begun: dict):
    back, _ = told(aws, post, begun)

    pasted(aws, back)

    assert proxies.reached(aws.rds) == begun["resourceId"] == aws.id_of()


def test_after_the_block_forward_the_proxy_reaches_the_restored(aws: Aws, post: Post, begun: dict):
    restored = aws.id_of()
    _, forward = told(aws, post, begun)

    pasted(aws, forward)

    assert proxies.reached(aws.rds) == restored
    assert begun["resourceId"] not in aws.names()


def test_what_failed_after_the_registering_leaves_the_proxies_alone(
    aws: Aws, post: Post, begun: dict
):
    _, forward = told(aws, post, begun, "DeleteFailed")

    assert not [command for command in forward.commands if "proxy" in command]


def test_what_was_not_put_back_into_a_proxy_is_by_the_block(aws: Aws, post: Post, proxied: dict):
    aws.rds.proxy_targets["pool"].clear()
    aws.fail("RegisterDBProxyTargets", "AccessDenied", times=10**6, status=403)
    with pytest.raises(Exception, match="AccessDenied"):
        aws.until_done("roll_back", plan=proxied)
    aws.faults.clear()
    tell(a_state(proxied, error("RestoreFailed"), rollbackError=error("RollbackFailed")))

    _, back = blocks(post.text)
    pasted(aws, back)

    assert proxies.reached(aws.rds) == proxied["resourceId"]


@pytest.mark.parametrize("way", [0, 1], ids=["back", "forward"])
def test_where_rds_does_not_say_what_a_proxy_leads_to_the_rest_is_told(
    aws: Aws, post: Post, proxied: dict, way: int
):
    aws.fail("DescribeDBProxyTargets", "AccessDenied", times=10**6, status=403)

    block = told(aws, post, proxied)[way]

    assert "RDS did not say what its proxies lead to (pool)" in " ".join(block.lines)
    assert not [command for command in block.commands if "proxy" in command]
    pasted(aws, block)


def test_a_proxy_with_another_database_is_left_alone(aws: Aws, post: Post, proxied: dict):
    aws.rds.proxy_targets["pool"].clear()
    other = "cluster" if aws.kind.name == "instance" else "instance"
    name = "prod-cluster" if other == "cluster" else "prod-db"
    given = {"DBProxyName": "pool", **proxies.named(other, name)}
    aws.rds.call("RegisterDBProxyTargets", given)

    for block in told(aws, post, proxied):
        assert not [command for command in block.commands if "proxy" in command]


def test_what_is_called_so_only_since_the_mail_is_not_registered(
    aws: Aws, kind: Kind, post: Post, proxied: dict
):
    aws.rds.proxy_targets["pool"].clear()
    aws.fail("RegisterDBProxyTargets", "AccessDenied", times=10**6, status=403)
    with pytest.raises(Exception, match="AccessDenied"):
        aws.until_done("roll_back", plan=proxied)
    aws.faults.clear()
    aws.settle()
    tell(a_state(proxied, error("RestoreFailed"), rollbackError=error("RollbackFailed")))
    _, back = blocks(post.text)
    with aws.rds.instantly():
        word = f"DB{kind.name.capitalize()}Identifier"
        given = {word: proxied["identifier"], f"New{word}": "elsewhere", "ApplyImmediately": True}
        aws.rds.call(f"ModifyDB{kind.name.capitalize()}", given)
    aws.settle()
    aws.foreign(proxied["identifier"])

    assert paste(back, rds()) is not None

    assert proxies.reached(aws.rds) == ""
