"""Secrets that Frontdesk makes for itself at its first start and keeps in files only its owner can read."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from frontdesk.data_folder import DataFolderUnusable, usable
from frontdesk.settings import Settings
from frontdesk.vault import BadKey, Vault


@dataclass(frozen=True, slots=True)
class Secrets:
    """What this installation keeps to itself. `simulator_app_secret` signs the simulator's webhooks and
    `simulator_stripe_secret` those of the simulated Stripe, if they are on."""

    vault: Vault
    whatsapp_verify_token: str
    simulator_app_secret: str | None
    simulator_stripe_secret: str | None


def load(settings: Settings) -> Secrets:
    """The secrets of these settings; what is not set is made once and kept (production sets them all). Raises BadKey."""
    vault = _vault(settings.secret_keys, settings.data_dir)
    if vault.guessable and not settings.development:
        raise BadKey(f"The key {vault.guessable[0]} of FRONTDESK_SECRET_KEYS is a sample, not a random one. `frontdesk secrets make-key` makes one.")
    return Secrets(
        vault=vault,
        whatsapp_verify_token=settings.whatsapp_verify_token or kept(settings.data_dir, "whatsapp_verify_token"),
        simulator_app_secret=kept(settings.data_dir, "simulator_app_secret") if settings.simulated else None,
        simulator_stripe_secret="whsec_" + kept(settings.data_dir, "simulator_stripe_secret") if settings.simulated else None,
    )


@lru_cache(maxsize=64)  # as many as tests have at a time; a process has one
def _vault(keys: str | None, data_dir: Path) -> Vault:
    """The vault of this process, for as long as it lives: what is written into the file meanwhile counts from the next start on.

    Otherwise a page would seal with a key that the worker does not know yet. One vault also keeps the data keys that it has opened.
    """
    return Vault(keys or kept(data_dir, "keys", Vault.make_key))


def kept(data_dir: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
    """The secret of this name in the data folder, made now if it is not there yet.

    Two processes that start at the same moment get the same secret: a finished file is linked into place,
    and who comes second takes it. Raises DataFolderUnusable.
    """
    path = _path(data_dir, name)
    try:
        if not path.exists():
            usable(data_dir)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _link_into_place(path, make())
        return path.read_text().strip()
    except OSError as error:
        raise DataFolderUnusable(
            f"{path.absolute()} cannot be read or made: {error.strerror}. Whoever runs Frontdesk must own what is in the data folder."
        ) from None


def exists(data_dir: Path, name: str) -> bool:
    """Whether this secret was made before."""
    return _path(data_dir, name).exists()


def _path(data_dir: Path, name: str) -> Path:
    return data_dir / "secrets" / name


def _link_into_place(path: Path, secret: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:  # another process was faster; its secret counts
        pass
    finally:
        draft.unlink()
