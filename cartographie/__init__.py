"""cartographie: from received survey spreadsheets to the published annual map of AI uses in health."""

__version__ = "0.1.0"

# Stage → (rooms, libraries they import) that its result depends on: another byte there, and what it gave is made again.
# What is published depends on the whole program, and says so.
_EXAMEN = "base survey intake decode validate campaign"
_LUES = "duckdb jinja2 numpy pandas pandera pydantic pydantic_core python-calamine python-stdnum pyyaml rapidfuzz typing_extensions xlsxwriter"
STAGES = {"examen": (_EXAMEN, _LUES), "entrepot": (f"{_EXAMEN} warehouse", _LUES)}
