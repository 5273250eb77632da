"""Errors of the app: the class name is what the state machine's ErrorEquals and people read."""

import json

# Of an answer of AWS and of a list of differences: several stand in the data of one execution.
LONGEST = 4_000


class TrapheusError(Exception):
    """Base of all; its message is JSON with the fields that are known.

    Fields: message (one sentence), identifier, step, operation (of the RDS API), code (of AWS),
    status (a bad one of the database) with the last events of RDS, a line each, and what the mail
    has to know besides.
    """

    def __init__(self, message: str, **fields: str) -> None:
        known = {name: value for name, value in fields.items() if value}
        super().__init__(json.dumps({"message": message[:LONGEST], **known}))

    @property
    def fields(self) -> dict[str, str]:
        """The fields of its message."""
        return dict(json.loads(str(self)))

    def add(self, **more: str) -> None:
        """Give its message more fields, as far as they are known."""
        self.args = (json.dumps(self.fields | {name: one for name, one in more.items() if one}),)


class InvalidRequest(TrapheusError):
    """The request is malformed: a key is missing, unknown or of the wrong type."""


class IdentifierNotAllowed(TrapheusError):
    """The identifier is outside the stack's AllowedIdentifiers."""


class OverrideNotAllowed(TrapheusError):
    """The request overrides a parameter that is not among the stack's AllowedOverrides."""


class SecretNotAllowed(TrapheusError):
    """The request names a secret that is not among the stack's MasterUserSecrets."""


class HookNotAllowed(TrapheusError):
    """The request names a hook that the stack does not list, or not under this name."""


class LockFailed(TrapheusError):
    """The lock on the database could not be read or written."""


class LockHeld(TrapheusError):
    """Another execution, which is still running, works on the database."""


class LockLost(TrapheusError):
    """The execution does not hold the lock on the database any more: it comes too late."""


class NotRecovered(TrapheusError):
    """An earlier execution has left the database half-way: it has to be recovered first."""


class FormatNotKnown(TrapheusError):
    """The plan was made by a release that is too new or too old for the functions."""


class Interrupted(TrapheusError):
    """An earlier execution was stopped, or ran out of time, in the middle of its work."""


class DatabaseProtected(TrapheusError):
    """The database carries the tag trapheus:protect."""


class DatabaseNotFound(TrapheusError):
    """No database has this identifier."""


class WrongKind(TrapheusError):
    """The database is of the other kind, or of one that cannot be restored in place."""


class DatabaseNotAvailable(TrapheusError):
    """The database, or a member of it, is not available."""


class DatabaseNotSupported(TrapheusError):
    """The database has something that a restore in place would break."""


class NameTaken(TrapheusError):
    """A name that the execution needs is held, probably by what an earlier one left."""


class SnapshotMissing(TrapheusError):
    """The snapshot to restore from does not exist or is not usable."""


class QuotaExceeded(TrapheusError):
    """The account has no room for the restored database beside the original."""


class GroupNotUsable(TrapheusError):
    """A group of the database is gone, or does not fit the version that would be restored."""


class VersionOrClassUnavailable(TrapheusError):
    """AWS does not offer the version or the class any more that would be restored."""


class CheckFailed(TrapheusError):
    """The database could not be looked at."""


class SnapshotFailed(TrapheusError):
    """The snapshot could not be taken."""


class RenameFailed(TrapheusError):
    """The original could not be renamed."""


class RestoreFailed(TrapheusError):
    """The database could not be restored."""


class ProxyFailed(TrapheusError):
    """The restored database could not take the original's place in an RDS Proxy."""


class ConfigureFailed(TrapheusError):
    """The restored database could not be given the rest of its configuration."""


class ConfigurationDiffers(TrapheusError):
    """The restored database is not configured as the original was."""


class HookFailed(TrapheusError):
    """A hook has not passed, so that what was restored beside the original is removed again."""


class DeleteFailed(TrapheusError):
    """The original that was renamed could not be deleted."""


class UntagFailed(TrapheusError):
    """The tags of this execution could not be taken off."""


class RollbackFailed(TrapheusError):
    """The original could not be put back."""


class RollbackDelayed(TrapheusError):
    """Not an error yet: the rollback goes on, but has lasted so long that people should know."""


class AlertFailed(TrapheusError):
    """The failure email could not be sent."""


class ExportNotSupported(TrapheusError):
    """The region cannot export snapshots, and the stack names none that can."""


class BucketMissing(TrapheusError):
    """The bucket of the exports does not exist, or RDS may not write into it."""


class KeyNotAccessible(TrapheusError):
    """RDS cannot use a KMS key, of the database or of the export."""


class CopyFailed(TrapheusError):
    """A snapshot could not be copied, for a restore or an export, or the copy not deleted."""


class ExportFailed(TrapheusError):
    """The snapshot could not be exported."""


class ExportIncomplete(TrapheusError):
    """The snapshot was exported, but RDS has left something out."""


class FleetFailed(TrapheusError):
    """The list of a fleet could not be read, or what became of it not be written."""


class ScriptRefused(TrapheusError):
    """A script of the SQL hook cannot be run as it stands."""


class SqlFailed(TrapheusError):
    """The SQL hook could not log in, or a statement or a check of it has failed."""


class StillInProgress(TrapheusError):
    """Not an error: RDS is still busy, and the state machine asks again."""


class Throttled(TrapheusError):
    """AWS asks for patience, did not answer, or had a passing fault of its own."""


class StateConflict(TrapheusError):
    """RDS refuses the call in the database's present state, which will clear."""


class InsufficientCapacity(TrapheusError):
    """AWS has no capacity of this class in this zone now."""


def shown(value: object) -> str:
    """A value as a sentence quotes it: not at any length."""
    return f"{value!r:.80}"


def refused(sentence: str) -> TrapheusError:
    """The error for a malformed request."""
    return InvalidRequest(sentence, step="request")
