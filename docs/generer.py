"""Write again the pages that come from schemas/, the code and the commands, and the JSON Schemas of schemas/.

Same sources, same bytes. `make docs`, or `python docs/generer.py [FOLDER]` to write the pages elsewhere.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

RACINE = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(RACINE))

from cartographie.base.errors import CODES, Statut  # noqa: E402
from cartographie.cli.main import app  # noqa: E402
from cartographie.collect.dictionary import build_dictionary  # noqa: E402
from cartographie.proof.lint import REGLES  # noqa: E402
from cartographie.release.manifest import SANS_OBJET  # noqa: E402
from cartographie.survey.load import load_questionnaire  # noqa: E402
from cartographie.survey.model import Gravite, Questionnaire  # noqa: E402
from cartographie.survey.published import STATUTS  # noqa: E402
from cartographie.survey.rules import load_catalogue  # noqa: E402
from cartographie.survey.written.shape import schema_files  # noqa: E402

META = RACINE / "cartographie/survey/meta"
LARGEUR = "100"
AVIS = "> Page produite par `make docs` ; ne pas la modifier à la main."
FICTIF = "> Les campagnes de ce dépôt sont fictives."
# exit status → its name and when; its number is the code's
SORTIES = {
    Statut.FAIT: ("fait", "la commande a réussi"),
    Statut.BUG: ("défaut du programme", "erreur interne"),
    Statut.USAGE: ("usage", "la ligne de commande, ou un fichier nommé, ne convient pas"),
    Statut.DECLARATION: ("déclaration", "`schemas/` est incohérent"),
    Statut.FICHIER_REFUSE: ("fichier refusé", "un fichier reçu est refusé"),
    Statut.ANOMALIES: ("anomalies", "trop d'anomalies pour cette campagne"),
    Statut.IMPLAUSIBLE: (
        "implausible",
        "la campagne n'est pas vraisemblable, ou un chiffre clé ne peut pas être publié",
    ),
    Statut.SECRET: ("secret", "le secret n'est pas garanti : rien n'est publié"),
    Statut.EXISTE: ("existe", "cette version est déjà publiée"),
    Statut.AUDIT: ("audit", "l'audit a trouvé une différence"),
    Statut.OCCUPE: ("occupé", "une autre commande écrit, ou l'entrepôt est utilisé"),
}
GRAVITES = {
    "rejet_fichier": "rien n'est repris du fichier",
    "rejet_ligne": "la ligne va en quarantaine ; pour un répondant, toute sa réponse",
    "rejet_cellule": "la valeur est retirée et comptée ; le reste de la ligne est gardé",
    "redressement": "la valeur a été comprise et réécrite, à vérifier",
    "alerte": "rien ne change, à vérifier",
}
FAMILLES = {"F": "Le fichier", "L": "La ligne", "C": "La cellule"}


def build_pages(projet: Path) -> dict[str, str]:
    """File name → Markdown text of every generated page."""
    q = load_questionnaire(projet)
    pages = {
        "architecture.md": filled("architecture.md", {"qui importe qui": rooms_block()}),
        "codes.md": codes_page(),
        "commandes.md": commands_page(),
        "regles.md": rules_page(q),
        "tableaux.md": tables_page(q),
    }
    for campagne in q.campagnes:
        pages[f"dictionnaire-{campagne}.md"] = build_dictionary(q, campagne)
    return pages


def rules_page(q: Questionnaire) -> str:
    """Every declared rule, then every finding of the program, with the rules of the survey that reword it."""
    lignes = ["# Règles et constats", "", AVIS, FICTIF if q.enquete.get("fictif") else "", ""]
    lignes += [
        "Un **constat** est un défaut que le programme sait voir dans n'importe quelle enquête. Une **règle** est propre à",
        "l'enquête : elle figure dans `schemas/regles.yaml`. Le code de la première colonne est celui de la colonne « Règle »",
        "de `anomalies.xlsx`. Les mots entre accolades sont remplacés par ce qui a été lu.",
        "",
        "| Gravité | Conséquence |",
        "|---|---|",
    ]
    lignes += [f"| `{g}` | {texte} |" for g, texte in GRAVITES.items()]
    lignes += [
        "",
        "## Règles de l'enquête",
        "",
        "| Code | Gravité | Portée | Message | Campagnes | Référence |",
        "|---|---|---|---|---|---|",
    ]
    for r in q.regles:
        portee = "toutes les lignes" if r.entite == "*" else q.entites[r.entite].libelle.lower()
        portee += f", constat `{r.constat}`" if r.constat else ""
        portee += f" ({', '.join(r.types)})" if r.types else ""
        message = r.message + (" **Confidentiel.**" if r.confidentiel else "")
        campagnes = ", ".join(r.campagnes) or "toutes"
        lignes.append(
            f"| {r.code} | `{r.gravite}` | {portee} | {_cell(message)} | {campagnes} | {_cell(r.reference)} |"
        )
    remplaces: dict[str, list[str]] = {}
    for r in q.regles:
        if r.constat:
            remplaces.setdefault(r.constat, []).append(r.code)
    lignes += ["", "## Constats du programme", ""]
    lignes += [
        "La dernière colonne nomme les règles de l'enquête qui remplacent le code, la gravité et le message du constat.",
        "",
    ]
    for famille, titre in FAMILLES.items():
        lignes += [
            f"### {titre} ({famille})",
            "",
            "| Code | Constat | Gravité | Message | Remplacé par |",
            "|---|---|---|---|---|",
        ]
        lignes += [_finding(nom, c, remplaces) for nom, c in load_catalogue().items() if c["code"].startswith(famille)]
        lignes.append("")
    lignes += [
        "## Vérification des fichiers à mettre en ligne",
        "",
        "Ce que `cartographie lint` vérifie dans un classeur (`X`) ou un CSV (`K`), et que `publish` exige de ses fichiers.",
        "",
        "| Code | Règle |",
        "|---|---|",
        *(f"| {code} | {regle} |" for code, regle in REGLES.items()),
    ]
    return "\n".join(lignes).rstrip() + "\n"


def tables_page(q: Questionnaire) -> str:
    """Every declared table: title, field, notes, and one line an indicator with its denominator and crossings."""
    lignes = ["# Tableaux", "", AVIS, FICTIF if q.enquete.get("fictif") else "", ""]
    lignes += ["Les dénominateurs sont ceux de `schemas/denominateurs.yaml` ; le calcul est expliqué dans la"]
    lignes += ["[méthodologie](methodologie.md).", "", "| Dénominateur | Qui est compté | Précision |", "|---|---|---|"]
    lignes += [
        f"| `{c}` | {_cell(d['libelle'])} | {_cell(d.get('definition', ''))} |" for c, d in q.denominateurs.items()
    ]
    for code, t in q.tableaux.items():
        lignes += ["", f"## {code}. {_label(t['titre'])}", ""]
        lignes += [f"Champ : {_label(t['champ'])}.", ""] if t.get("champ") else []
        lignes += ["| Indicateur | Mesure | Dénominateur | Croisements |", "|---|---|---|---|"]
        for s in t["series"]:
            croise = " ; ".join(" × ".join(x) if x else "ensemble" for x in s["croisements"])
            croise += f" ; par `{s['dimension']}`" if s.get("dimension") else ""
            croise += " ; avec l'évolution" if s.get("evolution") else ""
            for i in s["indicateurs"]:
                lignes.append(
                    f"| {_cell(i['libelle'])} (`{i['code']}`) | {i['mesure']} | `{s['denominateur']}` | {croise} |"
                )
        lignes += ["", *(f"- {_label(n)}" for n in t.get("notes", ()))]
    return "\n".join(lignes).rstrip() + "\n"


def codes_page() -> str:
    """Every short code a reader meets, from the code itself: exit statuses, errors, severities, statuses of a figure, commands."""
    lignes = ["# Codes", "", AVIS, "", "## Statuts de sortie", ""]
    lignes += ["Que faire dans chaque cas : [guide de l'analyste](guide-analyste.md#statuts-de-sortie).", ""]
    lignes += ["| Statut | Nom | Quand |", "|---|---|---|"]
    lignes += [f"| `{int(s)}` | {' | '.join(SORTIES[s])} |" for s in Statut]
    lignes += ["", "## Codes d'erreur", "", "| Code | Sens | Statut |", "|---|---|---|"]
    for code, c in CODES.items():
        statuts = " ou ".join(str(int(s)) for s in (c.statut, c.ailleurs) if s is not None)
        lignes.append(f"| `{code}` | {c.sens} | {statuts} |")
    lignes += [
        "",
        "Les codes `D` sont expliqués un par un dans le [guide des déclarations](guide-schemas.md#messages-de-refus). Les codes `F`, `L`,",
        "`C`, `R` et `S` ne sont pas des erreurs de commande : ce sont des anomalies, listées dans [règles et constats](regles.md).",
    ]
    lignes += [
        "",
        "## Gravités",
        "",
        "De la plus lourde à la plus légère.",
        "",
        "| Gravité | Conséquence |",
        "|---|---|",
    ]
    lignes += [f"| `{g}` | {texte} |" for g, texte in GRAVITES.items()]
    lignes += ["", "## Statuts d'un chiffre publié", ""]
    lignes += [
        "Dans le classeur et sur la page, l'abrégé tient lieu de valeur. `OBS_STATUS` et `CONF_STATUS` sont les codes SDMX."
    ]
    lignes += ["", "| Statut | Abrégé | Sens | `OBS_STATUS` | `CONF_STATUS` |", "|---|---|---|---|---|"]
    for e in STATUTS.values():
        lignes.append(f"| `{e.code}` | {e.abrege and f'`{e.abrege}`'} | {e.sens} | `{e.sdmx[0]}` | `{e.sdmx[1]}` |")
    lignes += [
        f"| | `{SANS_OBJET[0]}` | {SANS_OBJET[1]} | | |",
        "",
        "## Commandes",
        "",
        "| Commande | Ce qu'elle fait |",
        "|---|---|",
    ]
    lignes += [
        f"| [`{c.name}`](commandes.md#cartographie-{c.name}) | {c.short_help} |" for c in app.registered_commands
    ]
    return "\n".join(lignes) + "\n"


def rooms_block() -> str:
    """Who may import whom, from the table that tests/architecture holds the code to: a picture, then the whole table."""
    source = (RACINE / "tests/architecture/test_architecture.py").read_text(encoding="utf-8")
    may: dict[str, str] = next(
        ast.literal_eval(n.value)
        for n in ast.parse(source).body
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name) and n.targets[0].id == "MAY"
    )
    permis = {p: list(may) if m == "*" else m.split() for p, m in may.items()}
    lignes = ["```mermaid", "flowchart BT"]
    for piece, autres in permis.items():
        deduits = {b for a in autres if a != piece for b in permis[a]}
        lignes += [f"  {piece} --> {a}" for a in autres if a != piece and a not in deduits]
    lignes += ["```", "", "| | " + " | ".join(may) + " |", "|---|" + ":-:|" * len(may)]
    for piece, autres in permis.items():
        cases = ["–" if a == piece else "●" if a in autres else "" for a in may]
        lignes.append(f"| **{piece}** | " + " | ".join(cases) + " |")
    return "\n".join(lignes)


def filled(nom: str, blocs: Mapping[str, str]) -> str:
    """A page written by hand, with what comes from the code put again between its marks."""
    texte = (RACINE / "docs" / nom).read_text(encoding="utf-8")
    for bloc, contenu in blocs.items():
        debut, fin = f"<!-- {bloc} : produit par make docs -->", f"<!-- fin : {bloc} -->"
        avant, apres = texte.split(debut)[0], texte.split(fin)[1]
        texte = f"{avant}{debut}\n\n{contenu}\n\n{fin}{apres}"
    return texte


def commands_page() -> str:
    """The help of every command, as the terminal prints it."""
    lignes = [
        "# Commandes",
        "",
        AVIS,
        "",
        "Un exemple de chacune, avec sa sortie : [guide de l'analyste](guide-analyste.md).",
        "",
    ]
    lignes += ["## `cartographie`", "", "```text", help_text(), "```", ""]
    for nom in command_names():
        lignes += [f"## `cartographie {nom}`", "", "```text", help_text(nom), "```", ""]
    return "\n".join(lignes).rstrip() + "\n"


def command_names() -> list[str]:
    return [str(c.name) for c in app.registered_commands]


def help_text(*commande: str) -> str:
    """What `cartographie [commande] --help` prints, at a fixed width and without colours."""
    sortie = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": LARGEUR, "NO_COLOR": "1"}), contextlib.redirect_stdout(sortie):
        app(args=[*commande, "--help"], standalone_mode=False, prog_name="cartographie")
    return "\n".join(ligne.rstrip() for ligne in sortie.getvalue().strip().splitlines())


def _finding(nom: str, c: Mapping[str, Any], remplaces: Mapping[str, list[str]]) -> str:
    return f"| {c['code']} | `{nom}` | `{c['gravite']}` | {_cell(c['message'])} | {', '.join(remplaces.get(nom, ()))} |"


def _label(texte: str) -> str:
    return _cell(texte).replace("{edition}", "[édition]").replace("{precedente}", "[édition précédente]")


def _cell(texte: str) -> str:
    return " ".join(str(texte).replace("|", "\\|").split())


assert set(GRAVITES) == {str(g) for g in Gravite} and set(SORTIES) == set(Statut)


def main(destination: Path) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    for nom, texte in sorted(build_pages(RACINE).items()):
        (destination / nom).write_text(texte, encoding="utf-8", newline="\n")
        print(f"docs : {nom}")


def write_schemas(destination: Path) -> None:
    """The JSON Schemas of schemas/, for text editors."""
    textes = schema_files()
    for ancien in destination.glob("*.schema.json"):
        if ancien.name not in textes:
            ancien.unlink()
    for nom, texte in textes.items():
        (destination / nom).write_text(texte, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RACINE / "docs")
    if len(sys.argv) == 1:
        write_schemas(META)
