"""What each rule asks. X: workbooks (Government Analysis Function, accessible spreadsheets; RGAA 4, office files to
download). K: CSV files (RFC 4180; OWASP, CSV injection)."""

from __future__ import annotations

REGLES = {
    "X01": "chaque feuille a un tableau balisé (tableau Excel)",
    "X02": "chaque tableau a un nom parlant, unique",
    "X03": "aucune case fusionnée",
    "X04": "une ligne d'en-têtes, aucun vide, aucun répété",
    "X05": "aucune case ni ligne vide dans un tableau : dire pourquoi",
    "X06": "un titre en A1",
    "X07": "aucune feuille, ligne ou colonne masquée",
    "X08": "aucune feuille vide",
    "X09": "le classeur s'ouvre sur sa première feuille",
    "X10": "un titre ou un texte de remplacement à chaque graphique ; aucune image",
    "X11": "titre, auteur et sujet dans les propriétés",
    "X12": "la langue dans les propriétés",
    "X13": "aucune macro",
    "X14": "ni volets figés ni filtre",
    "X15": "ni en-tête ni pied de page",
    "X16": "les tableaux commencent en colonne A",
    "X17": "rien sous le dernier tableau d'une feuille",
    "X18": "aucun commentaire",
    "X19": "aucune erreur de calcul",
    "X20": "aucune formule, sauf un lien interne",
    "X21": "aucun texte qu'un tableur lirait comme une formule",
    "X22": "aucune donnée personnelle (adresse électronique, téléphone, NIR, RPPS)",
    "X23": "taille 10 au moins",
    "X24": "police sans empattement",
    "X25": "contraste de 4,5 au moins (WCAG 1.4.3)",
    "K01": "encodé en UTF-8",
    "K02": "une ligne d'en-têtes",
    "K03": "aucun en-tête vide ou répété",
    "K04": "autant de champs à chaque ligne",
    "K05": "aucun texte qu'un tableur exécuterait",
    "K06": "aucune donnée personnelle (adresse électronique, téléphone, NIR, RPPS)",
}
