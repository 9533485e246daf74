"""A page driven in headless Chromium: a script is added to a copy, what it finds is read back from the document."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# a request to anywhere is refused by the page's own policy: each refusal is told
ESPION = (
    "window.refus=[];document.addEventListener('securitypolicyviolation',function(e){window.refus.push(e.blockedURI)});"
    "window.erreurs=[];window.addEventListener('error',function(e){window.erreurs.push(e.message)});"
)
TOUCHE = (
    "function touche(e,k){e.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true,cancelable:true}))}"
    "function id(x){return document.getElementById(x)}"
)


def run_in_page(page: Path, script: str, dossier: Path, largeur: int = 1280, prefere: str = "") -> Any:
    """What `script` (the body of an async function) returns, run once the page is ready."""
    texte = page.read_text(encoding="utf-8")
    texte = texte.replace("<head>", f"<head><script>{ESPION}</script>", 1)
    fin = (
        f"<script>{TOUCHE}(async function(){{{script}}})().catch(function(e){{return {{erreur:String(e)}}}})"
        ".then(function(r){document.documentElement.dataset.resultat=JSON.stringify("
        "{valeur:r,refus:window.refus,erreurs:window.erreurs})})</script>"
    )
    copie = dossier / "page.html"
    copie.write_text(texte.replace("</body>", fin + "</body>"), encoding="utf-8")
    fini = subprocess.run(
        [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom",
         f"--window-size={largeur},900", f"--user-data-dir={dossier / 'profil'}", *([prefere] if prefere else []), f"file://{copie}"],
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    trouve = re.search(r'data-resultat="([^"]*)"', fini.stdout)
    assert trouve, fini.stderr[-500:]
    resultat = json.loads(html.unescape(trouve[1]))
    assert resultat["refus"] == [] and resultat["erreurs"] == [], resultat
    return resultat["valeur"]
