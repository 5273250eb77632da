"""Real data behind the databases of the local RDS: where it is served, copied, and gone."""

import json
from dataclasses import dataclass

import psycopg
import pytest

from local.emulator.cloud import Cloud
from local.emulator.rds import RdsError
from local.emulator.volumes.addresses import Addresses

HOUR = 3600


@dataclass(frozen=True)
class Kind:
    """How the API calls what it has of a kind."""

    name: str

    @property
    def words(self):
        return "DBInstance" if self.name == "instance" else "DBCluster"

    @property
    def identifier(self):
        return f"{self.words}Identifier"

    @property
    def snapshot(self):
        return "DBSnapshot" if self.name == "instance" else "DBClusterSnapshot"

    @property
    def from_snapshot(self):
        if self.is_cluster:
            return "RestoreDBClusterFromSnapshot", "SnapshotIdentifier"
        return "RestoreDBInstanceFromDBSnapshot", "DBSnapshotIdentifier"

    @property
    def is_cluster(self):
        return self.name == "cluster"

    def __str__(self):
        return self.name


KINDS = [Kind("instance"), Kind("cluster")]
both = pytest.mark.parametrize("kind", KINDS, ids=str)


class World:
    """An RDS with real data, and a person who connects to it."""

    def __init__(self, cloud):
        self.cloud, self.rds = cloud, cloud.rds

    def call(self, operation, **parameters):
        return self.rds.call(operation, parameters)

    def pass_by(self, seconds=HOUR):
        self.cloud.clock.advance(seconds)
        self.rds.settle()

    def create(self, kind, name, **parameters):
        given = {kind.identifier: name, "MasterUsername": "owner", **parameters}
        if "MasterUserPassword" not in parameters:
            given["ManageMasterUserPassword"] = True
        if kind.is_cluster:
            self.call("CreateDBCluster", Engine="aurora-postgresql", DatabaseName="shop", **given)
            self.add_member(name)
        else:
            self.call(
                "CreateDBInstance", Engine="postgres", DBName="shop", AllocatedStorage=20,
                DBInstanceClass="db.t4g.medium", **given,
            )  # fmt: skip
        self.pass_by()

    def add_member(self, cluster, part="writer"):
        self.call(
            "CreateDBInstance", DBInstanceIdentifier=f"{cluster}-{part}",
            DBClusterIdentifier=cluster, Engine="aurora-postgresql",
            DBInstanceClass="db.t4g.medium",
        )  # fmt: skip

    def snapshot(self, kind, of, name):
        key = f"{kind.snapshot}Identifier"
        self.call(f"Create{kind.snapshot}", **{kind.identifier: of, key: name})

    def restore(self, kind, snapshot, name):
        operation, key = kind.from_snapshot
        more = {"Engine": "aurora-postgresql"} if kind.is_cluster else {}
        self.call(operation, **{key: snapshot, kind.identifier: name, **more})
        if kind.is_cluster:
            self.add_member(name)
        self.pass_by()

    def rename(self, kind, name, new):
        self.call(
            f"Modify{kind.words}", ApplyImmediately=True,
            **{kind.identifier: name, f"New{kind.identifier}": new},
        )  # fmt: skip

    def shown(self, kind, name):
        return (self.rds.clusters if kind.is_cluster else self.rds.instances)[name]

    def endpoint(self, kind, name):
        shown = self.shown(kind, name)
        if kind.is_cluster:
            return shown["Endpoint"], shown["Port"]
        return shown["Endpoint"]["Address"], shown["Endpoint"]["Port"]

    def password(self, kind, name):
        arn = self.shown(kind, name)["MasterUserSecret"]["SecretArn"]
        held = self.cloud.client("secretsmanager").get_secret_value(SecretId=arn)
        return json.loads(held["SecretString"])["password"]

    def connect(self, address, port, password, **more):
        """A connection; what fails is told without the password."""
        __tracebackhide__ = True
        bundle = self.cloud.volumes.authority_file
        given = {"sslmode": "verify-full", "sslrootcert": bundle, **more}
        try:
            return psycopg.connect(
                host=address, port=port, user="owner", password=password, dbname="shop", **given
            )
        except psycopg.OperationalError as error:
            raise psycopg.OperationalError(str(error)) from None

    def run(self, kind, name, statement, password=None):
        """What a statement answers; with the managed password unless another one is given."""
        known = password or self.password(kind, name)
        with self.connect(*self.endpoint(kind, name), known) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def notes(self, kind, name, password=None):
        return [text for (text,) in self.run(kind, name, "select text from notes", password)]

    def write(self, kind, name, *texts, password=None):
        self.run(kind, name, "create table if not exists notes (text text)", password)
        for text in texts:
            self.run(kind, name, f"insert into notes values ('{text}')", password)


@pytest.fixture(scope="module")
def filled():
    with Cloud(data=True) as cloud:
        yield cloud


@pytest.fixture
def world(filled):
    filled.reset()
    return World(filled)


@both
def test_a_new_database_is_reached_where_it_is_shown_with_the_password_of_its_secret(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "one")
    assert world.notes(kind, "first") == ["one"]
    assert world.endpoint(kind, "first")[0].startswith("127.")


@both
def test_only_tls_is_taken_and_only_the_right_password(world, kind):
    world.create(kind, "first")
    at = world.endpoint(kind, "first")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        world.connect(*at, "not-it")
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        world.connect(*at, world.password(kind, "first"), sslmode="disable", sslrootcert=None)


@both
def test_the_master_user_is_no_superuser(world, kind):
    world.create(kind, "first")
    asked = "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
    assert world.run(kind, "first", asked) == [(False, True, True)]


@both
def test_a_given_password_is_the_server_s_until_it_is_changed(world, kind):
    world.create(kind, "first", MasterUserPassword="the-first-one")
    world.write(kind, "first", "one", password="the-first-one")
    world.call(
        f"Modify{kind.words}", **{kind.identifier: "first"}, MasterUserPassword="the-second-one"
    )
    world.pass_by()
    assert world.notes(kind, "first", "the-second-one") == ["one"]
    with pytest.raises(psycopg.OperationalError):
        world.notes(kind, "first", "the-first-one")


@both
def test_a_restored_copy_has_the_snapshot_s_rows_and_password(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "before")
    password = world.password(kind, "first")
    world.snapshot(kind, "first", "taken")
    world.write(kind, "first", "after")
    world.pass_by()
    world.restore(kind, "taken", "second")
    assert world.notes(kind, "second", password) == ["before"]
    world.write(kind, "second", "of the copy", password=password)
    assert world.notes(kind, "first") == ["before", "after"]


@both
def test_a_copy_whose_password_is_managed_anew_does_not_take_the_snapshot_s(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "one")
    world.snapshot(kind, "first", "taken")
    world.pass_by()
    world.restore(kind, "taken", "second")
    world.call(
        f"Modify{kind.words}", **{kind.identifier: "second"}, ManageMasterUserPassword=True,
        ApplyImmediately=True,
    )  # fmt: skip
    world.pass_by()
    assert world.notes(kind, "second") == ["one"]
    with pytest.raises(psycopg.OperationalError):
        world.notes(kind, "second", world.password(kind, "first"))


@both
def test_a_copy_of_a_snapshot_outlives_its_source(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "one")
    world.snapshot(kind, "first", "taken")
    world.pass_by()
    source, target = (f"{which}{kind.snapshot}Identifier" for which in ("Source", "Target"))
    world.call(f"Copy{kind.snapshot}", **{source: "taken", target: "copied"})
    world.pass_by(24 * HOUR)
    password = world.password(kind, "first")
    world.call(f"Delete{kind.snapshot}", **{f"{kind.snapshot}Identifier": "taken"})
    world.pass_by()
    world.restore(kind, "copied", "second")
    assert world.notes(kind, "second", password) == ["one"]


@both
def test_a_rename_moves_the_data_to_the_new_name_s_address(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "the original")
    password, was = world.password(kind, "first"), world.endpoint(kind, "first")
    world.rename(kind, "first", "aside")
    world.pass_by()
    assert world.endpoint(kind, "aside") != was
    assert world.notes(kind, "aside") == ["the original"]
    with pytest.raises(psycopg.OperationalError, match="refused"):
        world.connect(*was, password)
    world.create(kind, "third")
    world.write(kind, "third", "another")
    world.rename(kind, "third", "first")
    world.pass_by()
    assert world.endpoint(kind, "first") == was
    assert world.notes(kind, "first") == ["another"]


@both
def test_a_stopped_database_is_not_reached_and_keeps_its_rows(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "one")
    password, at = world.password(kind, "first"), world.endpoint(kind, "first")
    world.call(f"Stop{kind.words}", **{kind.identifier: "first"})
    world.pass_by()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        world.connect(*at, password)
    world.call(f"Start{kind.words}", **{kind.identifier: "first"})
    world.pass_by()
    assert world.notes(kind, "first") == ["one"]


@both
def test_a_changed_port_is_the_server_s(world, kind):
    world.create(kind, "first")
    key = "Port" if kind.is_cluster else "DBPortNumber"
    world.call(
        f"Modify{kind.words}", **{kind.identifier: "first", key: 5999}, ApplyImmediately=True
    )
    world.pass_by()
    assert world.endpoint(kind, "first")[1] == 5999
    assert world.run(kind, "first", "select 1") == [(1,)]


@both
def test_a_deletion_removes_the_server_and_its_files_and_a_final_snapshot_stays(world, kind):
    world.create(kind, "first")
    world.write(kind, "first", "one")
    password, at = world.password(kind, "first"), world.endpoint(kind, "first")
    if kind.is_cluster:
        world.call("DeleteDBInstance", DBInstanceIdentifier="first-writer")
    world.call(
        f"Delete{kind.words}", FinalDBSnapshotIdentifier="last", **{kind.identifier: "first"}
    )
    world.pass_by()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        world.connect(*at, password)
    world.restore(kind, "last", "second")
    assert world.notes(kind, "second", password) == ["one"]
    # The snapshot's files and the copy's.
    assert len(world.cloud.volumes.folders()) == 2


def test_the_members_of_a_cluster_share_its_rows_and_the_reader_endpoint_leads_to_them(world):
    cluster = KINDS[1]
    world.create(cluster, "first")
    world.add_member("first", "reader")
    world.pass_by()
    world.write(cluster, "first", "one")
    shown = world.shown(cluster, "first")
    members = [
        world.rds.instances[f"first-{part}"]["Endpoint"]["Address"] for part in ("writer", "reader")
    ]
    addresses = [shown["Endpoint"], shown["ReaderEndpoint"], *members]
    assert len(set(addresses)) == 4
    for address in addresses:
        with world.connect(address, shown["Port"], world.password(cluster, "first")) as connection:
            assert connection.execute("select text from notes").fetchall() == [("one",)]


def test_a_member_that_goes_away_leaves_its_address(world):
    cluster = KINDS[1]
    world.create(cluster, "first")
    world.add_member("first", "reader")
    world.pass_by()
    at = world.rds.instances["first-reader"]["Endpoint"]["Address"]
    world.call("DeleteDBInstance", DBInstanceIdentifier="first-reader")
    world.pass_by()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        world.connect(at, 5432, world.password(cluster, "first"))
    assert world.run(cluster, "first", "select 1") == [(1,)]


def test_two_runs_on_one_machine_have_addresses_of_their_own():
    one, other = Addresses(), Addresses()
    try:
        assert one.of("prod-db") == one.of("prod-db")
        assert len({run.of(name) for run in (one, other) for name in ("prod-db", "other-db")}) == 4
    finally:
        one.close()
        other.close()


def test_many_names_never_share_an_address():
    one = Addresses()
    try:
        given = {one.of(f"name-{number}") for number in range(3000)}
    finally:
        one.close()
    assert len(given) == 3000


@both
@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "with a blank"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "x" * 129}, "InvalidParameterValue"),
        ({"MasterUserPassword": "long-enough"}, "InvalidParameterCombination"),
        ({"ManageMasterUserPassword": False}, "InvalidParameterCombination"),
    ],
    ids=["short", "blank", "long", "managed", "unmanaged"],
)
def test_a_password_that_rds_would_not_take_is_refused(world, kind, parameters, code):
    managed = code == "InvalidParameterCombination"
    world.create(kind, "first", **({} if managed else {"MasterUserPassword": "the-first-one"}))
    with pytest.raises(RdsError) as refused:
        world.call(f"Modify{kind.words}", **{kind.identifier: "first"}, **parameters)
    assert refused.value.code == code
