"""The rules of the house that no linter knows: faces, sizes, words, routes with a permission, literal SQL."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pytest
from importlinter.cli import lint_imports
from starlette.routing import Mount

from frontdesk import app as application
from frontdesk.access import Permission
from frontdesk.audit.wordings import WORDINGS
from frontdesk.database import Database
from frontdesk.settings import Settings
from frontdesk.web import needs_of

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "frontdesk"
LONGEST_FILE, LONGEST_TEST, LONGEST_FUNCTION = 250, 300, 30
DOMAINS = {
    "analytics", "api_keys", "archives", "audit", "auto_replies", "billing", "channels", "contacts", "demo", "email_proofs", "entitlements", "erasure",
    "inbound", "invitations", "mail", "members",
    "messages", "operator", "organizations", "outbound", "registration", "sealing", "single_sign_on", "usage", "users",
}  # fmt: skip
GROUND = {"api", "database", "live", "web"}
ASSEMBLE = {"app.py": ("api", "web"), "cli.py": ("cli",)}  # who may open the doors of every domain, and which
EMPTY_WORDS = {"utils", "util", "common", "helpers", "helper", "managers", "manager", "services", "service", "misc", "core", "base"}
# Routes that are no door of a domain, and why they need no permission.
OPEN_ROUTES = {
    "/healthz": "whoever starts the process has to know",
    "/": "leads to the dashboard or to the sign-in",
    "/static": "files that belong to nobody",
    "/api/v1": "programs, each with a key; tests/api asks what its routes need",
    "/simulator": "development only, with a guard of its own",
    "/simulator/stripe": "development only, for programs with a key and for this machine",
}
# Routes that are posted to and yet need no permission to write, and why.
CHANGES_NOTHING = {
    "/dashboard/contacts/{contact_id}/export": "adds its own entry, and shows what its page shows",
    "/dashboard/settings/archive": "adds its own entry, and shows an owner what is the organization's",
    "/dashboard/audit/export": "adds its own entry, and shows what its page shows",
    "/dashboard/usage/export": "adds its own entry, and shows what its page shows",
    "/dashboard/audit/verification": "walks along the log and leaves no trace",
    "/dashboard/auto-replies/preview": "shows how a reply would read",
    "/dashboard/auto-replies/trial": "says which rule would answer, and answers nobody",
    "/dashboard/team/departure": "changes one's own place only: everybody may leave",
}
AUDITS = {"append", "append_as", "note", "open_session", "record"}  # the functions that are given an action of the audit log
RUNNERS = {"rows", "ask", "row", "records", "record", "value", "run", "call"}


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, written out."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("frontdesk."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "frontdesk":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if is_module(inner) else node.module


@cache
def is_module(name: str) -> bool:
    path = SOURCE.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_every_package_is_a_domain_or_the_ground_and_known_here() -> None:
    assert {path.parent.name for path in SOURCE.glob("*/__init__.py")} == DOMAINS | GROUND


def test_domains_meet_through_their_faces_only() -> None:
    behind = []
    for path in python_files(SOURCE):
        here = path.relative_to(SOURCE).parts
        for module in imported(path):
            domain, *inner = module.split(".")[1:] or [""]
            assembles = len(here) == 1 and inner and inner[-1] in ASSEMBLE.get(here[0], ())
            sub_face = here == ("app.py",) and module in ("frontdesk.channels.simulator", "frontdesk.billing.simulator")
            if domain in DOMAINS and inner and here[0] != domain and not assembles and not sub_face:
                behind.append(f"{name_of(path)} imports {module}")
    assert behind == []


def test_imports_go_down_the_floors_and_through_the_rooms() -> None:
    assert find_spec("frontdesk") is not None
    assert lint_imports(config_filename=str(ROOT / ".importlinter"), cache_dir=None) == 0


def test_no_file_is_long() -> None:
    most = {SOURCE: LONGEST_FILE, ROOT / "bench": LONGEST_FILE, ROOT / "tests": LONGEST_TEST}
    lines = {path: len(path.read_text("utf-8").splitlines()) for folder in most for path in python_files(folder)}
    assert {name_of(path): n for folder in most for path in python_files(folder) if (n := lines[path]) > most[folder]} == {}


def test_no_function_is_long() -> None:
    long = {
        f"{name_of(path)}:{function.name}": n for path in python_files(SOURCE) for function in functions(path) if (n := length(function)) > LONGEST_FUNCTION
    }
    assert long == {}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines, without those of SQL, which is as long as the question."""
    sql = sum(
        node.end_lineno - node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.end_lineno and "\n" in node.value and node is not docstring(function)
    )
    assert function.end_lineno
    return function.end_lineno - function.lineno + 1 - sql


def docstring(node: ast.AST) -> ast.Constant | None:
    body = getattr(node, "body", [])
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    return first if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def test_folders_are_nouns_a_customer_would_say() -> None:
    names = {path.name for path in SOURCE.rglob("*") if path.is_dir()} | {path.stem for path in python_files(SOURCE)}
    assert names & EMPTY_WORDS == set()


def test_everything_public_says_in_a_sentence_what_it_is() -> None:
    silent = []
    for path in python_files(SOURCE):
        tree = tree_of(path)
        silent += [name_of(path)] if tree.body and docstring(tree) is None else []
        silent += [f"{name_of(path)}:{node.name}" for node in public(tree) if docstring(node) is None]
    assert silent == []


def public(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


@pytest.fixture
def routes(tmp_path: Path) -> list[Any]:
    """The routes of the assembled application, as in development."""
    provider = {"FRONTDESK_OIDC_ISSUER": "https://sso.example.com", "FRONTDESK_OIDC_CLIENT_ID": "frontdesk", "FRONTDESK_OIDC_CLIENT_SECRET": "secret"}
    settings = Settings(_env_file=None, FRONTDESK_DATA_DIR=tmp_path, **provider)
    built = application.build(settings, cast(Database, None), cast(Any, None), cast(Any, None))
    return list(cast(Any, built).app.routes)


def test_every_route_says_what_it_needs(routes: list[Any]) -> None:
    assert {route.path for route in routes if isinstance(route, Mount)} <= OPEN_ROUTES.keys()
    needs = needs_of(routes)
    assert len(needs) > 40
    assert [f"{method} {path}" for (method, path), needed in needs.items() if needed is None and path not in OPEN_ROUTES] == []


def test_what_changes_an_organization_needs_a_permission_to_write(routes: list[Any]) -> None:
    loose = {
        path: needed for (method, path), needed in needs_of(routes).items()
        if path.startswith("/dashboard") and method != "GET" and not (isinstance(needed, Permission) and needed.endswith(":write"))
    }  # fmt: skip
    assert loose.keys() == CHANGES_NOTHING.keys()


def test_permissions_stand_in_the_order_of_the_alphabet() -> None:
    assert [one.value for one in Permission] == sorted(one.value for one in Permission)
    assert all(re.fullmatch(r"[a-z_]+:[a-z]+", one.value) for one in Permission)


def test_statements_are_never_put_together_from_values() -> None:
    made = []
    for path in python_files(SOURCE):
        for call in (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and is_statement(node)):
            statement = call.args[1 if cast(Any, call.func).attr in ("records", "record") else 0]
            if any(isinstance(part, ast.JoinedStr | ast.Call | ast.Mod) for part in ast.walk(statement)):
                made.append(f"{name_of(path)}:{call.lineno}")
    assert made == []


def is_statement(call: ast.Call) -> bool:
    """Whether this runs SQL: `db.rows("select …")` and its brothers."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in RUNNERS and len(call.args) > 0 and owner_of(call.func) in ("db", "database", "_database")


def owner_of(attribute: ast.Attribute) -> str:
    value = attribute.value
    return value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""


def test_only_the_database_floor_touches_connections() -> None:
    apart = [
        name_of(path) for path in python_files(SOURCE)
        if path.relative_to(SOURCE).parts[0] not in ("database", "live") and re.search(r"\b(psycopg_pool|AsyncConnection|\.cursor\()", path.read_text("utf-8"))
    ]  # fmt: skip
    assert [path for path in apart if "simulator" not in path] == []  # the simulator's own memory is no PostgreSQL


def test_everything_that_is_audited_reads_as_a_sentence() -> None:
    """A new action gets its sentence in audit/wordings.py; the page would tell it by its bare words."""
    written = {
        argument.value
        for path in python_files(SOURCE) for call in ast.walk(tree_of(path)) if isinstance(call, ast.Call)
        if (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")).lstrip("_") in AUDITS
        for argument in call.args if isinstance(argument, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(argument.value))
    }  # fmt: skip
    written |= {action for file in SOURCE.rglob("*.sql") for action in re.findall(r"append_audit\([^,]+, '([a-z_.]+)'", file.read_text("utf-8"))}
    assert len(written) > 15
    assert {str(action) for action in written} - WORDINGS.keys() == set()


def test_nothing_names_this_machine_or_is_left_to_do() -> None:
    texts = [path for folder in (SOURCE, ROOT / "docs", ROOT / "bench", ROOT / ".ci") for path in folder.rglob("*")]
    texts += [ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", ".env.example", "constraints.txt")]
    wrong = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/|\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError")
    plain = [path for path in texts if path.suffix in ("", ".py", ".sql", ".md", ".html", ".toml", ".txt") and path.is_file()]
    assert len(plain) > 150
    found = [f"{name_of(path)}: {hit[0]}" for path in plain if (hit := wrong.search(path.read_text("utf-8")))]
    assert found == []


def test_an_ignored_rule_says_why() -> None:
    silent = []
    for path in python_files(SOURCE):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.search(r"#\s*(type: ignore|noqa)(\[[\w, -]+\])?(: [A-Z0-9, ]+)?\s*$", line):
                silent.append(f"{name_of(path)}:{number}")
    assert silent == []
