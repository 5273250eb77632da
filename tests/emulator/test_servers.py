"""The real servers: TLS that is verified, files that can be copied, and an end."""

import shutil
import subprocess
import sys

import psycopg
import pymysql
import pytest

from local.servers import mariadb, postgresql
from local.servers.authority import make_authority
from local.servers.keeper import is_there
from local.servers.processes import free_port, make_folder

ADDRESS = "127.18.7.3"


@pytest.fixture
def folder():
    folder = make_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def authority(folder):
    authority = make_authority()
    authority.write(folder / "ca.pem")
    return authority


def connect(server, folder, **other):
    given = {"host": server.address, "sslmode": "verify-full", "password": "so secret"} | other
    return psycopg.connect(
        port=server.port, user="app", dbname="postgres", sslrootcert=folder / "ca.pem", **given
    )


def test_postgresql_is_who_its_certificate_says_and_its_files_can_be_copied(folder, authority):
    postgresql.make(folder / "one", "app", "so secret")
    server = postgresql.start_postgresql(folder / "one", ADDRESS, free_port(ADDRESS), authority)
    try:
        with connect(server, folder) as connection:
            connection.execute("create table kept (n int)")
            connection.execute("insert into kept values (7)")
        for wrong in ({"sslmode": "disable"}, {"password": "another"}):
            with pytest.raises(psycopg.OperationalError):
                connect(server, folder, **wrong)
        make_authority("Another").write(folder / "ca.pem")
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            connect(server, folder)
        authority.write(folder / "ca.pem")
    finally:
        server.stop()
    shutil.copytree(folder / "one", folder / "two")
    again = postgresql.start_postgresql(folder / "two", "127.18.7.4", server.port, authority)
    try:
        with connect(again, folder) as connection:
            assert connection.execute("select n from kept").fetchall() == [(7,)]
    finally:
        again.stop()


def test_mariadb_is_who_its_certificate_says(folder, authority, needs_mariadb):
    mariadb.make(folder / "one", "app", "so 'secret'\\")
    server = mariadb.start_mariadb(folder / "one", ADDRESS, free_port(ADDRESS), authority)
    try:
        given = {"host": ADDRESS, "port": server.port, "user": "app", "password": "so 'secret'\\"}
        verified = {"ssl_verify_cert": True, "ssl_verify_identity": True}
        with pymysql.connect(**given, ssl_ca=folder / "ca.pem", **verified) as connection:
            cursor = connection.cursor()
            cursor.execute("select 7")
            assert cursor.fetchall() == ((7,),)
        make_authority("Another").write(folder / "other.pem")
        with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
            pymysql.connect(**given, ssl_ca=folder / "other.pem", **verified)
    finally:
        server.stop()


def test_a_process_ends_its_keeper_and_leaves_none_behind():
    program = "from local.servers.keeper import keeper; print(keeper()._process.pid)"
    run = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert not is_there(int(done.stdout))
