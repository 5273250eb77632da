"""What `sam build` packages for the hook `sql`."""

from pathlib import Path

from tests.deploy.test_definition import template

BUILD = Path(__file__).parents[2] / ".aws-sam" / "build" / "SqlHookFunction"


def test_the_drivers_are_packaged_for_every_runtime_and_for_lambda_s_machines() -> None:
    assert BUILD.exists(), "There is no built app: `make test` makes it."
    runtimes = template()["Parameters"]["PythonRuntime"]["AllowedValues"]
    tags = {f"cpython-3{one.removeprefix('python3.')}-aarch64-linux-gnu" for one in runtimes}

    for part in ("_psycopg", "pq"):
        found = {
            file.name.split(".")[1] for file in (BUILD / "psycopg_binary").glob(f"{part}.*.so")
        }
        assert found == tags
    for name in ("pymysql", "psycopg", "psycopg_binary.libs", "rds-ca.pem", "typing_extensions.py"):
        assert (BUILD / name).exists(), name
