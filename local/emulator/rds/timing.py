"""How long RDS takes over what, and through which statuses: data, in seconds.

Sources: UG/AUG the user guides, GH a public issue thread, memory where there is none.
"""

from dataclasses import dataclass
from random import Random

# Seconds in which who looks every quarter of a minute sees a status at least once.
BRIEF = 20.0


@dataclass(frozen=True)
class Phase:
    """A stretch of an operation: its name, the status shown, its least, typical, most seconds.

    `stale`: the status of before is still shown although the work has begun.
    `hidden`: an RDS that `hides` shows nothing yet; another one shows the status that comes next.
    `neither`: Describe finds nothing by the old name, nor by the new one.
    A `stale` one of no length is there for a test to make it longer.
    """

    name: str
    status: str
    least: float
    typical: float
    most: float

    def seconds(self, timing: str) -> float:
        """The length under `timing`: least, typical, most or brisk.

        Brisk is BRIEF for work that shows, so that there is less to be waited through, and typical
        for what is hidden or stale, so that nothing is easier than it is.
        """
        if timing == "brisk":
            return min(self.least, BRIEF) if self.status else self.typical
        length: float = getattr(self, timing)
        return length

    def drawn(self, random: Random) -> float:
        """A length between least and most, nearest to typical: a triangle, for want of more."""
        return random.triangular(self.least, self.most, self.typical)


PHASES: dict[str, tuple[Phase, ...]] = {
    # memory
    "create instance": (
        Phase("hidden", "", 0, 5, 30),
        Phase("creating", "creating", 180, 400, 900),
        Phase("backing-up", "backing-up", 60, 120, 600),
    ),
    # GH hashicorp/terraform-provider-aws#44104 for backing-up, the rest memory
    "restore instance": (
        Phase("hidden", "", 0, 15, 30),
        Phase("creating", "creating", 200, 420, 1200),
        Phase("backing-up", "backing-up", 60, 180, 900),
        Phase("modifying", "modifying", 40, 105, 270),
    ),
    # What a restore may do once it is up, when asked to; memory
    "flap": (
        Phase("available", "available", 10, 40, 120),
        Phase("modifying", "modifying", 10, 40, 120),
    ),
    "create member": (  # memory
        Phase("hidden", "", 0, 5, 30),
        Phase("creating", "creating", 240, 475, 1170),
    ),
    "modify instance": (  # memory
        Phase("stale", "", 5, 30, 60),
        Phase("modifying", "modifying", 55, 270, 1140),
    ),
    # Hours, after a restore, says UG; the times are memory
    "initialize storage": (
        Phase("storage-initialization", "storage-initialization", 1800, 14400, 86400),
    ),
    # After a change of storage; the knowledge center says hours, up to a day and more
    "optimize storage": (Phase("storage-optimization", "storage-optimization", 600, 7200, 86400),),
    # GH boto3#609 for the stale phase, GH boto3#2613 for the next, UG for the reboot
    "rename instance": (
        Phase("stale", "", 5, 30, 60),
        Phase("renaming", "renaming", 15, 60, 240),
        Phase("neither", "", 0, 30, 60),
        Phase("rebooting", "rebooting", 40, 120, 540),
    ),
    "rename member": (  # as an instance: AUG
        Phase("stale", "", 5, 30, 60),
        Phase("renaming", "renaming", 15, 45, 180),
        Phase("neither", "", 0, 30, 60),
        Phase("rebooting", "rebooting", 40, 75, 300),
    ),
    # The answers of a reboot, a stop, a start and a deletion show the new status already, those of
    # a cluster's stop and start the old one. [fact: answers-with-the-new-status]
    "reboot instance": (  # memory
        Phase("stale", "", 0, 0, 0),
        Phase("rebooting", "rebooting", 30, 80, 270),
    ),
    "delete instance": (  # memory
        Phase("stale", "", 0, 0, 0),
        Phase("deleting", "deleting", 115, 330, 1140),
    ),
    "stop instance": (  # memory
        Phase("stale", "", 0, 0, 0),
        Phase("stopping", "stopping", 60, 240, 900),
    ),
    "start instance": (  # memory
        Phase("stale", "", 0, 0, 0),
        Phase("starting", "starting", 60, 240, 900),
    ),
    "back up instance": (Phase("backing-up", "backing-up", 60, 240, 1800),),  # memory
    "back up cluster": (Phase("backing-up", "backing-up", 60, 240, 1800),),  # memory
    "create cluster": (  # memory
        Phase("hidden", "", 0, 5, 30),
        Phase("creating", "creating", 60, 180, 600),
    ),
    "restore cluster": (  # memory
        Phase("hidden", "", 0, 15, 30),
        Phase("creating", "creating", 300, 885, 10770),
    ),
    "modify cluster": (  # memory
        Phase("stale", "", 5, 30, 60),
        Phase("modifying", "modifying", 25, 90, 300),
    ),
    "rename cluster": (  # memory
        Phase("stale", "", 5, 30, 60),
        Phase("renaming", "renaming", 25, 90, 240),
    ),
    "delete cluster": (  # memory; the members' own deletion comes first
        Phase("stale", "", 0, 0, 0),
        Phase("deleting", "deleting", 115, 450, 1140),
    ),
    "fail over cluster": (  # UG: "typically within 60 seconds, often within 30"
        Phase("stale", "", 1, 5, 20),
        Phase("failing-over", "failing-over", 20, 30, 120),
    ),
    "stop cluster": (  # memory
        Phase("stale", "", 5, 10, 30),
        Phase("stopping", "stopping", 60, 240, 900),
    ),
    "start cluster": (  # memory
        Phase("stale", "", 5, 10, 30),
        Phase("starting", "starting", 60, 240, 900),
    ),
    "create snapshot": (  # memory
        Phase("hidden", "", 0, 5, 30),
        Phase("creating", "creating", 60, 235, 1770),
    ),
    "delete snapshot": (  # memory
        Phase("stale", "", 2, 15, 60),
        Phase("deleting", "deleting", 10, 45, 240),
    ),
    "create cluster-snapshot": (  # memory
        Phase("hidden", "", 0, 5, 30),
        Phase("creating", "creating", 60, 175, 870),
    ),
    "delete cluster-snapshot": (  # memory
        Phase("stale", "", 2, 15, 60),
        Phase("deleting", "deleting", 10, 45, 240),
    ),
    "copy within the region": (  # memory
        Phase("hidden", "", 0, 5, 30),
        Phase("pending", "pending", 5, 10, 30),  # [fact: copies-begin-pending]
        Phase("copying", "copying", 60, 225, 1740),
    ),
    "copy across regions": (  # memory
        Phase("hidden", "", 0, 5, 30),
        Phase("pending", "pending", 5, 10, 30),
        Phase("copying", "copying", 300, 1185, 10740),
    ),
    # AUG: the snapshot is restored first, which shows as STARTING; the times are memory
    "export": (
        Phase("hidden", "", 0, 5, 30),
        Phase("STARTING", "STARTING", 900, 1500, 10800),
        Phase("IN_PROGRESS", "IN_PROGRESS", 300, 1195, 7170),
    ),
    "cancel export": (Phase("CANCELING", "CANCELING", 10, 60, 600),),  # memory
    "change endpoint": (Phase("working", "", 10, 30, 120),),  # memory
    "create proxy": (Phase("creating", "", 180, 420, 900),),  # memory
    # model, of TargetHealth: registering, unavailable, available; how long is memory
    "register target": (
        Phase("REGISTERING", "", 10, 40, 120),
        Phase("UNAVAILABLE", "", 20, 60, 180),
    ),
    # An option group, a role, a secret, a domain, once the database is there; memory
    "settle parts": (Phase("working", "", 10, 40, 300),),
}

# Turning Multi-AZ on takes a copy of the storage; memory.
MULTI_AZ_SECONDS = 600.0

# How often work that waits for other work looks again.
LOOK_AGAIN = 10.0

# Statuses in which clients can work; UG, "Viewing DB instance status", and AUG for clusters.
ONLINE: dict[str, frozenset[str]] = {
    "instance": frozenset(
        {
            "available", "backing-up", "modifying", "storage-optimization",
            "storage-initialization", "storage-full", "configuring-enhanced-monitoring",
            "configuring-iam-database-auth", "configuring-log-exports", "delete-precheck",
        }
    ),
    "cluster": frozenset(
        {"available", "backing-up", "modifying", "storage-optimization", "update-iam-db-auth"}
    ),
}  # fmt: skip

READY = frozenset({"available", "storage-optimization"})
BROKEN = frozenset(
    {
        "failed", "restore-error", "restore-failed", "incompatible-restore",
        "incompatible-network", "incompatible-option-group", "incompatible-parameters",
        "incompatible-create", "incompatible-credentials", "insufficient-capacity",
        "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
        "cloning-failed", "migration-failed", "modify-failed", "upgrade-failed",
    }
)  # fmt: skip

# In which true status an operation is accepted. UG and memory.
FITTING: dict[str, frozenset[str]] = {
    "ModifyDBInstance": READY | {"storage-full", "incompatible-parameters"},
    "RebootDBInstance": READY | {"incompatible-parameters"},
    "CreateDBSnapshot": READY | {"stopped"},
    "DeleteDBInstance": READY
    | BROKEN
    | {"stopped", "storage-full", "backing-up", "storage-initialization"},
    "StopDBInstance": frozenset({"available"}),
    "StartDBInstance": frozenset({"stopped"}),
    "AddRoleToDBInstance": READY,
    "RemoveRoleFromDBInstance": READY,
    "ModifyDBCluster": READY | {"incompatible-parameters"},
    "CreateDBClusterSnapshot": READY | {"backing-up", "stopped"},
    "DeleteDBCluster": READY | BROKEN | {"stopped", "backing-up"},
    "StopDBCluster": frozenset({"available"}),
    "StartDBCluster": frozenset({"stopped"}),
    "FailoverDBCluster": frozenset({"available"}),
    "RestoreDBInstanceToPointInTime": READY | {"backing-up", "stopped"},
    "RestoreDBClusterToPointInTime": READY | {"backing-up", "stopped"},
    "AddRoleToDBCluster": READY,
    "RemoveRoleFromDBCluster": READY,
    "CreateDBClusterEndpoint": READY,
    "ModifyDBClusterEndpoint": READY,
    "DeleteDBClusterEndpoint": READY,
    # model, for clusters: to delete a copy that is being made cancels it
    "DeleteDBSnapshot": frozenset({"available", "failed", "copying", "pending"}),
    "DeleteDBClusterSnapshot": frozenset({"available", "failed", "copying", "pending"}),
    "CopyDBSnapshot": frozenset({"available"}),
    "CopyDBClusterSnapshot": frozenset({"available"}),
    "RestoreDBInstanceFromDBSnapshot": frozenset({"available"}),
    "RestoreDBClusterFromSnapshot": frozenset({"available"}),
    # CreateDBInstance of an Aurora member: the status of its cluster
    "CreateDBInstance": frozenset({"available", "backing-up", "modifying", "creating"}),
}
