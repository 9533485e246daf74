"""Stage 6a: secondary secrecy of everything released, as one linear system. Drafts in, drafts with what to mask out."""

from cartographie.secret.anterieures import Anterieure, read_earlier
from cartographie.secret.protection import Protection, protect

__all__ = ["Anterieure", "Protection", "protect", "read_earlier"]
