"""User errors (one French sentence, a stable code, an exit status) and the exit statuses themselves.

A `UserError` is the user's to mend; any other exception is a bug of ours and says so.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import NamedTuple


class Statut(IntEnum):
    """Exit statuses of every command, documented in docs/guide-analyste.md."""

    FAIT = 0
    BUG = 1
    USAGE = 2
    DECLARATION = 10
    FICHIER_REFUSE = 11
    ANOMALIES = 12
    IMPLAUSIBLE = 13
    SECRET = 14
    EXISTE = 15
    AUDIT = 16
    OCCUPE = 17


class Code(NamedTuple):
    """What an error code means, in French, and its exit status; `ailleurs`: the other one it has, where it has two."""

    sens: str
    statut: Statut = Statut.USAGE
    ailleurs: Statut | None = None


# Every error code: U the command or what it was given, E what was to be written, D a declaration. docs/codes.md lists them.
CODES = {
    "U01": Code("la commande est mal écrite : argument absent, option inconnue"),
    "U02": Code("le dossier à créer n'est pas vide"),
    "U03": Code(
        "la base de sondage manque (questionnaires pré-remplis, statut 2) ou, déjà reçue, ne se lit plus (statut 11)",
        Statut.USAGE,
        Statut.FICHIER_REFUSE,
    ),
    "U04": Code("aucun fichier reçu pour la campagne"),
    "U05": Code("la campagne n'est pas déclarée"),
    "U06": Code("le fichier ou le dossier à ranger est introuvable"),
    "U07": Code("le fichier à ranger est un raccourci vers un autre : déposez le fichier lui-même"),
    "U08": Code("un fichier est soit la base, soit une réponse ; défaut d'appel du programme"),
    "U09": Code("deux fichiers différents ont les mêmes douze premiers caractères d'empreinte ; à signaler"),
    "U10": Code(
        "`raw/<campagne>/registre.csv` ne se lit plus, ou manque alors que des fichiers sont là : le restaurer "
        "d'une sauvegarde",
        Statut.FICHIER_REFUSE,
    ),
    "U11": Code(
        "un fichier reçu a disparu ou changé : remettre l'original ; rien n'est construit sur une pièce altérée",
        Statut.FICHIER_REFUSE,
    ),
    "U12": Code("le nom de version n'est pas un nom simple (ni chemin, ni `controle`, ni `tableaux`)"),
    "U13": Code("une date donnée n'existe pas, ou n'est pas écrite AAAA-MM-JJ"),
    "U14": Code(
        "`raw/<campagne>/` contient des fichiers absents du registre : les sortir de `raw/`, puis les ranger avec "
        "`ingest` (ou `register`)",
        Statut.FICHIER_REFUSE,
    ),
    "U15": Code(
        "le système a refusé de lire ou d'écrire : droits, disque plein, dossier en lecture seule, mémoire "
        "insuffisante (statut 2) ; la clé des pseudonymes `raw/.cle_pseudonymes` est abîmée : la restaurer d'une "
        "sauvegarde (statut 11)",
        Statut.USAGE,
        Statut.FICHIER_REFUSE,
    ),
    "U16": Code(
        "`raw/<campagne>/relances.csv` ne se lit plus : rétablir ses colonnes, `destinataire` et `envoye_le`, ou "
        "le restaurer d'une sauvegarde"
    ),
    "U17": Code("`feedback --repondant` : rien à renvoyer à ce destinataire"),
    "U18": Code(
        "`raw/<campagne>/dispositions.csv` ne se lit pas, ou porte une disposition inconnue : le message donne la ligne"
    ),
    "U19": Code("`dispositions.csv` nomme une unité absente de la base de sondage"),
    "U20": Code("`headers` : aucun fichier à comparer dans ce qui est nommé"),
    "U21": Code("`compare`, `preflight` : le dossier donné n'est pas une publication"),
    "U22": Code("`lint` : le fichier n'existe pas ou ne s'ouvre pas"),
    "U23": Code(
        "`publish` : la nature de la version n'existe pas, ou une correction ne dit pas ce qu'elle remplace et pourquoi"
    ),
    "U24": Code("`audit`, `sign` : une clé, un dossier ou un outil nécessaire manque"),
    "U25": Code("`sign` : la clé est dans l'espace de travail"),
    "U26": Code("`audit` : le manifeste ne se lit plus", Statut.AUDIT),
    "U27": Code("une publication antérieure a un tableau qui n'est plus déclaré", Statut.DECLARATION),
    "U28": Code("`trace` : les critères ne désignent aucun chiffre, ou en désignent plusieurs"),
    "U29": Code(
        "un fichier à ranger change pendant qu'il est lu (copie en cours, fichier ouvert) : rien n'est rangé",
        Statut.FICHIER_REFUSE,
    ),
    "U30": Code(
        "l'horloge de la machine est en retard sur la dernière réception : la régler, ou donner la date avec "
        "`--recu-le`"
    ),
    "U31": Code("la commande `demo` demande un paquet qui n'est pas installé : `pip install 'cartographie[demo]'`"),
    "E13": Code(
        "la campagne n'est pas vraisemblable : le message nomme chaque attente manquée de `plausibilite.yaml`",
        Statut.IMPLAUSIBLE,
    ),
    "E15": Code(
        "la version publiée existe déjà, ou elle est définitive, corrigée ou signée et ne se remplace pas",
        Statut.EXISTE,
    ),
    "E16": Code("un tableau déclaré publierait deux fois le même chiffre", Statut.DECLARATION),
    "E17": Code(
        "l'entrepôt est utilisé par un autre programme, une autre réception est en cours, ou une autre commande "
        "écrit dans `outputs/`",
        Statut.OCCUPE,
    ),
    "E18": Code(
        "l'entrepôt n'existe pas, ou est abîmé (statut 2) ; un nom d'entité ou de variable lui est réservé (statut 10)",
        Statut.USAGE,
        Statut.DECLARATION,
    ),
    "E19": Code(
        "les poids ne peuvent pas être calés : le message nomme les marges impossibles ; regroupez des modalités "
        "ou élargissez `bornes`",
        Statut.DECLARATION,
    ),
    "E20": Code(
        "le secret n'est pas prouvé : un chiffre masqué se retrouve ; rien n'est publié, à signaler",
        Statut.SECRET,
    ),
    "E21": Code(
        "un fichier de la publication enfreint une règle de `lint` : le message dit laquelle et où ; rien n'est publié",
        Statut.DECLARATION,
    ),
    "E22": Code("un élément calculé du rapport qualité manque : rien n'est publié, à signaler", Statut.DECLARATION),
    "E23": Code(
        "ce qui a été déclaré, reçu, ou la partie du programme qui lit, contrôle et charge, a changé depuis le "
        "dernier chargement : relancer `load` (ou `run`)"
    ),
    "D01": Code("un fichier de `schemas/` n'existe pas", Statut.DECLARATION),
    "D02": Code("un fichier de `schemas/` ne se lit pas", Statut.DECLARATION),
    "D03": Code("une clé ou une valeur n'est pas admise", Statut.DECLARATION),
    "D04": Code("un nom est donné deux fois", Statut.DECLARATION),
    "D05": Code("une variable n'est pas déclarée, ou pas pour cette sorte de lignes", Statut.DECLARATION),
    "D06": Code("une liste de réponses, un passage ou une réponse n'existe pas", Statut.DECLARATION),
    "D07": Code("deux colonnes ont le même intitulé", Statut.DECLARATION),
    "D08": Code("une condition est mal formée", Statut.DECLARATION),
    "D09": Code("un constat ou un redressement nommé n'existe pas", Statut.DECLARATION),
    "D10": Code("deux déclarations se contredisent", Statut.DECLARATION),
    "D11": Code("une écriture désigne deux réponses à la fois", Statut.DECLARATION),
    "D12": Code("une correction à la main ne s'applique plus : la case a changé", Statut.DECLARATION),
    "D13": Code("un rapprochement accepté ne s'applique plus, ou contredit un numéro", Statut.DECLARATION),
}

EVENEMENT = "cartographie.code"


def tell(genre: str, code: str) -> None:
    """Tell who listens that a code arose: an audit event of Python's, heard with `sys.addaudithook`, free when nobody listens.

    `genre`: "erreur", "defaut" (of `lint`), "anomalie" (the rule of a finding) come with their code, "constat" with its name in
    constats.yaml, "statut" with the exit status of a command. A code and nothing else: never what was received.
    """
    sys.audit(EVENEMENT, genre, code)


class UserError(Exception):
    """`code` is one of CODES, `message` one French sentence saying where and what to do, `statut` the exit status: the code's,
    or its other one. A code or a status that is not declared is a bug, and raises as one."""

    def __init__(self, code: str, message: str, statut: Statut | None = None) -> None:
        declare = CODES[code]
        if statut not in {None, declare.statut, declare.ailleurs}:
            raise ValueError(f"{code} has no status {statut}")
        super().__init__(f"{code} : {message}")
        self.code = code
        self.message = message
        self.statut = declare.statut if statut is None else statut
        tell("erreur", code)


class DeclarationError(UserError):
    """An inconsistent declaration under schemas/: file, line and key are in the message."""

    def __init__(self, code: str, message: str, fichier: str, ligne: int | None = None, cle: str | None = None) -> None:
        lieu = fichier + (f", ligne {ligne}" if ligne else "") + (f", clé « {cle} »" if cle else "")
        super().__init__(code, f"{lieu} : {message}", Statut.DECLARATION)
        self.fichier, self.ligne, self.cle = fichier, ligne, cle
