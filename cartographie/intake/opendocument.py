"""What the reader does not tell of an .ods: error cells, hidden rows and columns. One expat pass, only when needed."""

from __future__ import annotations

from xml.parsers.expat import ExpatError, ParserCreate

from cartographie.intake.biff import Relief

_INTERET = (b'calcext:value-type="error"', b"<text:p>#", b">Err:", b"table:visibility=", b"of:=")
_MAX_COLONNES = 16384
_MAX_LIGNES = 1_048_576
_ERREURS = ("#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "Err:")


def reliefs(xml: bytes) -> dict[str, Relief]:
    """{sheet name: Relief} of a content.xml the gate has checked (no entity, repeats within the caps)."""
    if not any(marque in xml for marque in _INTERET):
        return {}
    lecture = _Lecture()
    try:
        lecture.parser.Parse(xml, True)
    except ExpatError:
        return {}
    return lecture.trouves


class _Lecture:
    def __init__(self) -> None:
        self.trouves: dict[str, Relief] = {}
        self.relief = Relief()
        self.ligne = self.colonne = self.colonne_definie = 0
        self.repete_ligne = self.repete_cellule = 1
        self.formule: str | None = None
        self.valeur = False
        self.texte: list[str] | None = None
        self.parser = ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._debut
        self.parser.EndElementHandler = self._fin
        self.parser.CharacterDataHandler = self._donnees

    def _debut(self, balise: str, a: dict[str, str]) -> None:
        if balise == "table:table":
            self.relief = self.trouves.setdefault(a.get("table:name", ""), Relief())
            self.ligne = self.colonne_definie = 0
        elif balise == "table:table-column":
            debut = self.colonne_definie + 1
            self.colonne_definie += int(a.get("table:number-columns-repeated", 1))
            if a.get("table:visibility", "visible") != "visible":
                fin = min(self.colonne_definie, _MAX_COLONNES)
                self.relief.colonnes_masquees.update(range(debut, fin + 1))
        elif balise == "table:table-row":
            self.repete_ligne = int(a.get("table:number-rows-repeated", 1))
            self.colonne = 0
            if a.get("table:visibility", "visible") != "visible":
                fin = min(self.ligne + self.repete_ligne, _MAX_LIGNES)
                self.relief.lignes_masquees.update(range(self.ligne + 1, fin + 1))
        elif balise in ("table:table-cell", "table:covered-table-cell"):
            self.repete_cellule = int(a.get("table:number-columns-repeated", 1))
            self.formule = a.get("table:formula")
            self.valeur = any(c.startswith("office:") and c.endswith("value") for c in a)
            self.texte = []

    def _donnees(self, texte: str) -> None:
        if self.texte is not None:
            self.texte.append(texte)

    def _fin(self, balise: str) -> None:
        if balise == "table:table-row":
            self.ligne += self.repete_ligne
        elif balise in ("table:table-cell", "table:covered-table-cell"):
            contenu = "".join(self.texte or ()).strip()
            place = (self.ligne + 1, self.colonne + 1)
            if self.formule:
                self.relief.calculees.add(place)
            if contenu.startswith(_ERREURS) and len(contenu) < 16:
                self.relief.erreurs[place] = contenu
            elif self.formule and not contenu and not self.valeur:
                self.relief.formules[place] = "=" + self.formule.partition("=")[2]
            self.colonne += self.repete_cellule
            self.texte = None
