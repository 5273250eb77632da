"""The errors of the local RDS: wire codes, with the HTTP status that botocore's model gives."""

from local.emulator.rds.protocol.model import ERROR_STATUS


class RdsError(Exception):
    """An answer that is an error, named by its wire code as AWS sends it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = ERROR_STATUS.get(code, status)
