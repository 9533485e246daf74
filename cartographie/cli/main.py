"""The entry point: run one command, print one French message for a user's error, give the exit status."""

from __future__ import annotations

import errno
import sys

import typer

from cartographie.base.errors import Statut, UserError, tell
from cartographie.cli import french
from cartographie.cli.app import MONTRE, app

from cartographie.cli import prepare, receive, propose, control, publish, prove  # isort: skip

# importing them declares the commands, in the order of a campaign
ACTES = (prepare, receive, propose, control, publish, prove)
INTERROMPU = 130  # what shells give for Ctrl-C
_INTERRUPTION = "Interrompu : rien n'a été laissé à moitié écrit, relancez la commande."


def main(argv: list[str] | None = None) -> int:
    """Run one command, note it in the workspace's journal, return its exit status."""
    MONTRE.clear()
    statut, erreur = _run(argv)
    if erreur in {"U01", "U15"}:  # typer's and the system's: the others told themselves
        tell("erreur", erreur)
    tell("statut", str(statut))
    _note(list(sys.argv[1:] if argv is None else argv), statut, erreur)
    return statut


def _note(arguments: list[str], statut: int, erreur: str) -> None:
    """One line in the journal of the workspace. The clock and the user enter here, and nowhere else."""
    if not arguments or "--help" in arguments or "-h" in arguments:
        return
    from datetime import UTC, datetime
    from getpass import getuser

    from cartographie.base import journal

    if arguments[0] not in journal.GSBPM:
        return
    try:
        qui = getuser()
    except (KeyError, OSError):  # a user the machine has no name for
        qui = "inconnu"
    projet = journal.workspace_of(arguments)
    try:
        quand = datetime.now(UTC).isoformat(timespec="seconds")
        entree = journal.entry(projet, arguments, journal.Fin(quand, qui, statut, erreur), MONTRE)
        if entree is not None:
            journal.append(projet, entree)
    except OSError as e:
        print(f"Le journal n'a pas pu être tenu : {french.os_message(e)}.", file=sys.stderr)


def _run(argv: list[str] | None) -> tuple[int, str]:
    """(exit status, error code). User errors print one French message, bugs say they are bugs."""
    for flux in (sys.stdout, sys.stderr):
        if hasattr(flux, "reconfigure"):
            flux.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = int(app(args=argv, standalone_mode=False) or 0)
        if code == INTERROMPU:
            print(_INTERRUPTION, file=sys.stderr)
        return code, ""
    except UserError as e:
        print(f"Erreur {e.code} : {e.message}", file=sys.stderr)
        return int(e.statut), e.code
    except french.USAGE as e:
        print(french.usage_message(e), file=sys.stderr)
        return int(Statut.USAGE), "U01"
    except (KeyboardInterrupt, typer.Abort):
        print(_INTERRUPTION, file=sys.stderr)
        return INTERROMPU, "interrompu"
    except BrokenPipeError:
        return 0, ""
    except OSError as e:  # the disk's or the folder's fault, not ours: it has a path and a remedy
        lieu = f" ({e.filename})" if e.filename else ""
        print(f"Erreur U15 : {french.os_message(e)}{lieu}.", file=sys.stderr)
        return int(Statut.USAGE), "U15"
    except MemoryError:
        print(f"Erreur U15 : {french.os_message(OSError(errno.ENOMEM, ''))}.", file=sys.stderr)
        return int(Statut.USAGE), "U15"
    except Exception as e:
        # The message of an unknown exception may hold received values: only its type and place are printed.
        from cartographie.cli import screen

        screen.print_bug(e)
        return int(Statut.BUG), type(e).__name__


def run_main() -> None:
    sys.exit(main())


if __name__ == "__main__":
    run_main()
