"""boto3's waiters right after each create, restore, copy and delete; a line of JSON for each."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import boto3

KINDS: dict[str, dict[str, Any]] = {
    "instance": {
        "id": "DBInstanceIdentifier", "snapshot": "DBSnapshotIdentifier", "word": "db_instance",
        "shot": "db_snapshot", "restore": "restore_db_instance_from_db_snapshot",
        "from": "DBSnapshotIdentifier",
        "more": {"Engine": "postgres", "DBInstanceClass": "db.t4g.medium", "AllocatedStorage": 20},
        "asks": {}, "completed": True,
    },
    "cluster": {
        "id": "DBClusterIdentifier", "snapshot": "DBClusterSnapshotIdentifier",
        "word": "db_cluster", "shot": "db_cluster_snapshot",
        "restore": "restore_db_cluster_from_snapshot", "from": "SnapshotIdentifier",
        "more": {"Engine": "aurora-postgresql"},
        "asks": {"Engine": "aurora-postgresql"}, "completed": False,
    },
}  # fmt: skip


def tried(name: str, work: Callable[[], object]) -> None:
    """Do it, and tell how it ended."""
    try:
        work()
        wrong = ""
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps({"name": name, "wrong": wrong}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """All of them, against the endpoint of the environment."""
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://localhost:")
    rds: Any = boto3.client("rds")

    def waited(call: str, asked: dict[str, Any], waiter: str, by: dict[str, str]) -> None:
        getattr(rds, call)(**asked)
        rds.get_waiter(waiter).wait(**by)

    for kind, words in KINDS.items():
        key, shot, word = words["id"], words["snapshot"], words["word"]
        password = {"MasterUsername": "dba", "MasterUserPassword": "not-a-secret"}
        made, restored = ({key: f"waiter-{kind}{end}"} for end in ("", "-restored"))
        taken, copied = ({shot: f"waiter-{kind}-{end}"} for end in ("snapshot", "copy"))
        gone = {"SkipFinalSnapshot": True}
        steps: list[tuple[str, str, dict[str, Any], str, dict[str, str]]] = [
            (f"create the {kind}", f"create_{word}", {**made, **words["more"], **password},
             f"{word}_available", made),
            ("take a snapshot", f"create_{words['shot']}", {**made, **taken},
             f"{words['shot']}_available", taken),
            ("copy the snapshot", f"copy_{words['shot']}",
             {f"Source{shot}": taken[shot], f"Target{shot}": copied[shot]},
             f"{words['shot']}_available", copied),
            ("restore it", words["restore"],
             {**restored, words["from"]: taken[shot], **words["asks"]},
             f"{word}_available", restored),
            ("delete the restored one", f"delete_{word}", {**restored, **gone}, f"{word}_deleted",
             restored),
            ("delete the copy", f"delete_{words['shot']}", copied, f"{words['shot']}_deleted",
             copied),
            ("delete the snapshot", f"delete_{words['shot']}", taken, f"{words['shot']}_deleted",
             taken),
            (f"delete the {kind}", f"delete_{word}", {**made, **gone}, f"{word}_deleted", made),
        ]  # fmt: skip
        for name, call, asked, waiter, by in steps:
            tried(f"{kind}: {name}, {waiter}", lambda it=(call, asked, waiter, by): waited(*it))
            if words["completed"] and name == "take a snapshot":
                by_name = {shot: taken[shot]}
                tried(
                    f"{kind}: {name}, db_snapshot_completed",
                    lambda by=by_name: rds.get_waiter("db_snapshot_completed").wait(**by),
                )


if __name__ == "__main__":
    main()
