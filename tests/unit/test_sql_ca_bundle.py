"""The certificates of RDS, as `sam build` packages them for the hook `sql`."""

import io
import tarfile

import pytest

from local.servers.authority import make_authority
from src.sql.build import ca_bundle


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setattr(ca_bundle, "FEWEST", 2)
    monkeypatch.delenv("SQL_HOOK_CA_BUNDLE", raising=False)


@pytest.fixture
def two():
    return "".join(make_authority(name).pem.decode() for name in ("One", "Two"))


def test_a_file_that_is_named_is_taken(monkeypatch, tmp_path, two):
    (tmp_path / "given.pem").write_text("# a remark\n" + two)
    monkeypatch.setenv("SQL_HOOK_CA_BUNDLE", str(tmp_path / "given.pem"))
    ca_bundle.main(tmp_path / "rds-ca.pem")
    assert (tmp_path / "rds-ca.pem").read_text() == two


def test_without_npm_it_is_aws_s_own_page(monkeypatch, tmp_path, two):
    monkeypatch.setattr(ca_bundle.shutil, "which", lambda _: None)
    monkeypatch.setattr(ca_bundle, "from_aws", lambda: two + two)
    ca_bundle.main(tmp_path / "rds-ca.pem")
    assert (tmp_path / "rds-ca.pem").read_text() == two


@pytest.mark.parametrize("text", ["<html>sorry</html>", "", "one"])
def test_what_is_no_bundle_is_refused_with_what_to_do(monkeypatch, tmp_path, two, text):
    text = two[: len(two) // 2] if text == "one" else text
    monkeypatch.setattr(ca_bundle.shutil, "which", lambda _: None)
    monkeypatch.setattr(ca_bundle, "from_aws", lambda: text)
    with pytest.raises(SystemExit, match="SQL_HOOK_CA_BUNDLE"):
        ca_bundle.main(tmp_path / "rds-ca.pem")
    assert not (tmp_path / "rds-ca.pem").exists()


def packed(lines):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("defaults", "proxies"):
            script = "\n".join(lines).encode()
            member = tarfile.TarInfo(f"package/lib/profiles/ca/{name}.js")
            member.size = len(script)
            archive.addfile(member, io.BytesIO(script))
    return content.getvalue()


def test_a_package_that_has_changed_is_refused(monkeypatch, tmp_path, two):
    def pack(command, **_):
        (tmp_path / "there").mkdir(exist_ok=True)
        (type(tmp_path)(command[-1]) / "one.tgz").write_bytes(packed(two.splitlines()))

    monkeypatch.setattr(ca_bundle.subprocess, "run", pack)
    monkeypatch.setattr(ca_bundle.shutil, "which", lambda _: "npm")
    with pytest.raises(SystemExit, match="has changed"):
        ca_bundle.main(tmp_path / "rds-ca.pem")


def test_the_lines_of_the_package_become_certificates(monkeypatch, tmp_path, two):
    # Each line of a certificate is a string of its own, as in the package.
    lines = [f"    '{line}\\n' +" for line in two.splitlines()]

    def pack(command, **_):
        (type(tmp_path)(command[-1]) / "one.tgz").write_bytes(packed(lines))

    content = packed(lines)
    digest = ca_bundle.hashlib.sha512(content).digest()
    monkeypatch.setattr(
        ca_bundle, "INTEGRITY", "sha512-" + ca_bundle.base64.b64encode(digest).decode()
    )
    monkeypatch.setattr(ca_bundle.subprocess, "run", pack)
    assert ca_bundle.checked(ca_bundle.from_npm("npm"), fewest=2) == two
