"""Several regions of one embedded AWS: who answers, and what exports meet in the others."""

import json

import pytest
from botocore.exceptions import ClientError

from local.emulator.cloud import ACCOUNT, REGION

AWAY = "eu-west-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["export.rds.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
ACTIONS = ["s3:PutObject*", "s3:GetObject*", "s3:ListBucket", "s3:DeleteObject*",
           "s3:GetBucketLocation"]  # fmt: skip


def make_snapshot(cloud, region=REGION):
    """An instance `db` with the snapshot `snapshot`, at once."""
    rds = cloud.rds_in(region)
    with rds.instantly():
        rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": "db", "Engine": "postgres", "DBInstanceClass": "db.t4g.micro",
        })  # fmt: skip
        rds.call("CreateDBSnapshot", {
            "DBInstanceIdentifier": "db", "DBSnapshotIdentifier": "snapshot",
        })  # fmt: skip
    return rds.arn("snapshot", "snapshot")


def names(client):
    return [
        shown["DBSnapshotIdentifier"] for shown in client.describe_db_snapshots()["DBSnapshots"]
    ]


def test_each_region_has_its_own_databases(cloud):
    make_snapshot(cloud)
    assert names(cloud.client("rds")) == ["snapshot"]
    assert names(cloud.client("rds", AWAY)) == []
    assert cloud.rds is cloud.rds_in(REGION)
    make_snapshot(cloud, AWAY)
    assert names(cloud.client("rds", AWAY)) == ["snapshot"]
    assert [call.region for call in cloud.calls] == [REGION, AWAY, AWAY]


def test_a_reset_forgets_every_region(cloud):
    make_snapshot(cloud, AWAY)
    cloud.reset()
    assert names(cloud.client("rds", AWAY)) == []


def test_a_snapshot_is_copied_into_the_region_that_is_called(cloud):
    arn = make_snapshot(cloud)
    cloud.client("rds", AWAY).copy_db_snapshot(
        SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier="copy", SourceRegion=REGION
    )
    cloud.clock.advance(3600)
    found = cloud.client("rds", AWAY).describe_db_snapshots()["DBSnapshots"]
    assert [(shown["DBSnapshotIdentifier"], shown["Status"]) for shown in found] == [
        ("copy", "available")
    ]
    assert names(cloud.client("rds")) == ["snapshot"]


def test_listeners_hear_of_every_region(cloud):
    heard = []
    cloud.listeners.append(lambda notice: heard.append((notice.kind, notice.name)))
    cloud.client("rds", AWAY).create_db_instance(
        DBInstanceIdentifier="db", Engine="postgres", DBInstanceClass="db.t4g.micro"
    )
    cloud.clock.advance(3600)
    cloud.client("rds", AWAY).describe_db_instances()
    assert ("database", "db") in heard


class Export:
    """A bucket, a role and a key in a region, and the snapshot to be exported there."""

    def __init__(self, cloud, region):
        self.cloud, self.region = cloud, region
        self.rds, self.s3 = cloud.client("rds", region), cloud.client("s3", region)
        self.kms, self.iam = cloud.client("kms", region), cloud.client("iam")
        self.bucket = f"exports-{region}"
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.s3.create_bucket(Bucket=self.bucket, **(place if region != REGION else {}))
        self.role = self.iam.create_role(
            RoleName="export", AssumeRolePolicyDocument=json.dumps(TRUST)
        )["Role"]["Arn"]
        self.allow(ACTIONS)
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.source = make_snapshot(cloud, region)

    def allow(self, actions):
        resources = [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]
        statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.iam.put_role_policy(
            RoleName="export", PolicyName="write", PolicyDocument=json.dumps(policy)
        )

    def start(self, **more):
        given = {
            "ExportTaskIdentifier": "task", "SourceArn": self.source, "S3BucketName": self.bucket,
            "S3Prefix": "db", "IamRoleArn": self.role, "KmsKeyId": self.key, **more,
        }  # fmt: skip
        return self.rds.start_export_task(**given)

    def refused(self, **more):
        with pytest.raises(ClientError) as caught:
            self.start(**more)
        return caught.value.response["Error"]["Code"]

    def keys(self):
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [item["Key"] for item in found]

    def remove(self):
        for key in self.keys():
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        self.s3.delete_bucket(Bucket=self.bucket)
        self.iam.delete_role_policy(RoleName="export", PolicyName="write")
        self.iam.delete_role(RoleName="export")


@pytest.fixture(params=[REGION, AWAY])
def export(cloud, request):
    made = Export(cloud, request.param)
    yield made
    made.remove()


def test_an_export_writes_into_the_bucket_of_its_region(cloud, export):
    export.start()
    cloud.clock.advance(1800)
    assert export.keys() == []
    cloud.clock.advance(1800)
    assert export.keys() == ["db/task/export_info_task.json"]
    held = export.s3.get_object(Bucket=export.bucket, Key="db/task/export_info_task.json")
    assert json.loads(held["Body"].read())["sourceArn"] == export.source
    assert held["ServerSideEncryption"] == "aws:kms"
    assert held["SSEKMSKeyId"].endswith(export.key)


def test_a_reset_takes_the_exported_objects_away_and_leaves_others(cloud, export):
    export.s3.put_object(Bucket=export.bucket, Key="own", Body=b"x")
    export.start()
    cloud.clock.advance(3600)
    assert len(export.keys()) == 2
    cloud.reset()
    assert export.keys() == ["own"]


def test_a_bucket_that_is_missing_or_elsewhere_is_refused(cloud, export):
    assert export.refused(S3BucketName="missing") == "InvalidS3BucketFault"
    other = AWAY if export.region == REGION else REGION
    source = make_snapshot(cloud, other)
    client, export.rds = export.rds, cloud.client("rds", other)
    assert export.refused(SourceArn=source) == "InvalidS3BucketFault"
    export.rds = client
    assert export.start()["Status"] == "STARTING"


@pytest.mark.parametrize("missing", ACTIONS)
def test_a_role_needs_every_action_on_the_bucket(export, missing):
    export.allow([action for action in ACTIONS if action != missing])
    assert export.refused() == "IamRoleMissingPermissions"


def test_a_role_must_exist_and_trust_rds(export):
    missing = f"arn:aws:iam::{ACCOUNT}:role/missing"
    assert export.refused(IamRoleArn=missing) == "IamRoleNotFound"
    trust = json.dumps(TRUST).replace("export.rds.amazonaws.com", "lambda.amazonaws.com")
    export.iam.update_assume_role_policy(RoleName="export", PolicyDocument=trust)
    assert export.refused() == "IamRoleMissingPermissions"


def test_a_key_must_be_there_enabled_and_symmetric(cloud, export):
    other = cloud.client("kms", AWAY if export.region == REGION else REGION)
    elsewhere = other.create_key()["KeyMetadata"]["Arn"]
    asymmetric = export.kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    for key in ("missing", elsewhere, asymmetric["KeyMetadata"]["KeyId"], "alias/missing"):
        assert export.refused(KmsKeyId=key) == "KMSKeyNotAccessibleFault", key
    export.kms.disable_key(KeyId=export.key)
    assert export.refused() == "KMSKeyNotAccessibleFault"
    export.kms.enable_key(KeyId=export.key)
    export.kms.create_alias(AliasName="alias/exports", TargetKeyId=export.key)
    assert export.start(KmsKeyId="alias/exports")["KmsKeyId"].endswith(export.key)
