"""Names that the steps, the documentation and the policies agree on."""

CREATE_SNAPSHOT = "create_snapshot"
DB_RESTORE = "db_restore"
CREATE_SNAPSHOT_ONLY = "create_snapshot_only"
RECOVER = "recover"
# The key of a recovery's input that names the execution which has ended.
ENDED = "ended"
INSPECT = "inspect"
# The identifier that stands for all that the stack may touch.
EVERY = "*"
TASKS = (CREATE_SNAPSHOT, DB_RESTORE, CREATE_SNAPSHOT_ONLY, RECOVER, INSPECT)

# In which order a database is replaced; COPY, of a request with a target, replaces nothing.
RENAME_FIRST = "rename-first"
RESTORE_FIRST = "restore-first"
STRATEGIES = (RENAME_FIRST, RESTORE_FIRST)
COPY = "copy"
# The phases of an execution, as its lock has them; in FINISH both databases stay, whatever fails.
PREPARE = "prepare"
REPLACE = "replace"
ROLLBACK = "rollback"
FINISH = "finish"
# The snapshotIdentifier that means the newest one.
LATEST = "latest"

SNAPSHOT_SUFFIX = "-snapshot"
# The successor of an existing snapshot until it has taken its place. It is not
# "-snapshot-next": cluster snapshot ids end at 63 characters, and the seed takes cluster
# identifiers of 54.
SUCCESSOR_SUFFIX = "-next"
# The copy of the snapshot under a key that other accounts may use, and that copy's successor.
SHARED_SUFFIX = "-shared"
SHARING_SUFFIX = "-sharing"
# What a successor is to take the place of, by their suffixes.
SUCCEEDED = {SUCCESSOR_SUFFIX: SNAPSHOT_SUFFIX, SHARING_SUFFIX: SHARED_SUFFIX}
RENAMED_SUFFIX = "-temp"
# The copy of a snapshot that RDS cannot restore as it is, until what is restored of it stays.
SOURCE_SUFFIX = "-source"
# What is restored beside a running original, until it takes the original's name.
COPY_SUFFIX = "-copy"
# What was restored, once somebody has gone back to the original by the mail's commands. No longer
# than RENAMED_SUFFIX, so that it fits whatever may be restored.
AWAY_SUFFIX = "-away"

# Carried by what an execution has created or renamed, and by nothing that stays.
IN_PROGRESS_TAG = "trapheus:in-progress"
# A database with this tag, whatever its value, is never touched.
PROTECT_TAG = "trapheus:protect"

# Longest identifiers whose derived names still fit: database and cluster snapshot ids end at
# 63 characters. [fact: identifiers]
MAX_IDENTIFIER = 63
MAX_INSTANCE_IDENTIFIER = MAX_IDENTIFIER - len(RENAMED_SUFFIX)
MAX_CLUSTER_IDENTIFIER = MAX_IDENTIFIER - len(SNAPSHOT_SUFFIX)

# Replicas that Application Auto Scaling has made; it makes them again by itself, and their names
# are too long for a suffix.
AUTOSCALED = "application-autoscaling-"
# The hook that the stack brings along.
SQL = "sql"
