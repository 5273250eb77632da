"""What RDS has in other services: secrets, a network, tags."""

import json

from tests.emulator.rds_world import CLASS

CREATE = {"DBInstanceIdentifier": "db", "Engine": "postgres", "DBInstanceClass": CLASS}


def test_a_managed_password_has_a_secret_which_goes_with_its_database(cloud):
    secrets = cloud.client("secretsmanager")
    with cloud.rds.instantly():
        made = cloud.rds.call("CreateDBInstance", CREATE | {"ManageMasterUserPassword": True})
    arn = made["DBInstance"]["MasterUserSecret"]["SecretArn"]
    held = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert held["username"] == made["DBInstance"]["MasterUsername"]
    assert [one["ARN"] for one in secrets.list_secrets()["SecretList"]] == [arn]
    with cloud.rds.instantly():
        gone = {"DBInstanceIdentifier": "db", "SkipFinalSnapshot": True}
        cloud.rds.call("DeleteDBInstance", gone)
    assert secrets.list_secrets()["SecretList"] == []


def test_ec2_has_the_network_that_rds_shows(cloud):
    with cloud.rds.instantly():
        shown = cloud.rds.call("CreateDBInstance", CREATE)["DBInstance"]
    ec2 = cloud.client("ec2")
    groups = [one["VpcSecurityGroupId"] for one in shown["VpcSecurityGroups"]]
    found = ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]
    subnets = shown["DBSubnetGroup"]["Subnets"]
    names = [one["SubnetIdentifier"] for one in subnets]
    held = ec2.describe_subnets(SubnetIds=names)["Subnets"]
    vpc = shown["DBSubnetGroup"]["VpcId"]
    assert {one["VpcId"] for one in (*found, *held)} == {vpc}
    assert {one["SubnetId"]: one["AvailabilityZone"] for one in held} == {
        one["SubnetIdentifier"]: one["SubnetAvailabilityZone"]["Name"] for one in subnets
    }
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_the_tagging_api_finds_tags_and_untags_databases_and_snapshots(cloud):
    given = [{"Key": "team", "Value": "orders"}]
    with cloud.rds.instantly():
        shown = cloud.rds.call("CreateDBInstance", CREATE | {"Tags": given})["DBInstance"]
        asked = {"DBInstanceIdentifier": "db", "DBSnapshotIdentifier": "shot"}
        shot = cloud.rds.call("CreateDBSnapshot", asked)["DBSnapshot"]
    tagging = cloud.client("resourcegroupstaggingapi")

    def found(kind, key):
        answer = tagging.get_resources(ResourceTypeFilters=[kind], TagFilters=[{"Key": key}])
        return [one["ResourceARN"] for one in answer["ResourceTagMappingList"]]

    assert found("rds", "team") == [shown["DBInstanceArn"]]
    assert found("rds:snapshot", "mine") == []
    arn = shot["DBSnapshotArn"]
    tagging.tag_resources(ResourceARNList=[arn], Tags={"mine": "yes"})
    assert found("rds:snapshot", "mine") == [arn]
    assert cloud.rds.snapshots["shot"]["TagList"] == [{"Key": "mine", "Value": "yes"}]
    tagging.untag_resources(ResourceARNList=[arn], TagKeys=["mine"])
    assert found("rds:snapshot", "mine") == []
