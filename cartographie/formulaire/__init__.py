"""The questionnaire as a workbook, written from a campaign's model: blank, pre-filled, or with answers to be corrected."""

from cartographie.formulaire.classeur import build_template, build_workbook, file_name, gabarit
from cartographie.formulaire.contenu import A_CORRIGER, A_VERIFIER, Case, Cle, Contenu, Fiche, Place, Places

__all__ = ["A_CORRIGER", "A_VERIFIER", "Case", "Cle", "Contenu", "Fiche", "Place", "Places", "build_template"]
__all__ += ["build_workbook", "file_name", "gabarit"]
