(function () {
  "use strict";
  var D = JSON.parse(document.getElementById("donnees").textContent);
  if (!D.cartes.length) return;
  var SVG = "http://www.w3.org/2000/svg", FIN = "\u202f", UNITE = { pct: "\u00a0%", points: "\u00a0points" };
  var MOTIF = { c: "secret", n: "ns", i: "ns", nd: "nd", b: "nd" };
  var MARQUE = { u: ["rayé de blanc : valeur peu fiable", "peu fiable"], e: ["hachuré : estimé par un modèle", "estimé par un modèle"] };
  var SENS = { secret: "non publié pour protéger les répondants", ns: "trop peu de répondants, ou trop imprécis", nd: "non disponible", absent: "hors du champ ou sans réponse" };
  var tri = { colonne: 1, sens: 1 };
  function id(x) { return document.getElementById(x); }
  function el(nom, attributs, texte) {
    var e = document.createElementNS(SVG, nom);
    Object.keys(attributs || {}).forEach(function (k) { e.setAttribute(k, attributs[k]); });
    if (texte !== undefined) e.textContent = texte;
    return e;
  }
  function nombre(v, unite) {
    if (v === null) return "non publié";
    var d = unite === "pct" || unite === "points" ? 1 : (Math.round(v) === v ? 0 : 2);
    var t = Math.abs(v).toFixed(d).replace(".", ",").replace(/\B(?=(\d{3})+(?!\d))/g, FIN);
    return (v < 0 ? "\u2212" : unite === "points" && v > 0 ? "+" : "") + t + (UNITE[unite] || "");
  }
  function intervalle(x, u) { return x[5] === null || x[2] === null ? "" : "de " + nombre(x[5], u) + " à " + nombre(x[6], u); }
  function statut(x) { return x[3] === "A" ? "publié" : D.statuts[x[3]]; }
  function phrase(x, u, effectif) {
    if (x[2] === null) return x[1] + " : " + D.statuts[x[3]];
    return x[1] + " : " + nombre(x[2], u) + (x[5] === null ? "" : " (" + intervalle(x, u) + ")") +
      (x[4] === null ? "" : ", " + x[4] + " " + effectif.toLowerCase()) + (MARQUE[x[3]] ? ", " + MARQUE[x[3]][1] : "");
  }
  function changement(c, x) {
    if (!c.evolution || x[2] === null || x[5] === null) return "";
    return D.changements[x[5] > 0 ? 2 : x[6] < 0 ? 0 : 1];
  }
  function suite(lien, texte) { return texte && lien + texte; }
  function couleur(c, v) {
    if (c.zero && v === 0) return "#ffffff";
    var i = 0;
    while (i < c.couleurs.length - 1 && v >= c.bornes[i + 1]) i++;
    return c.couleurs[i];
  }
  function options(select, paires, garder) {
    var avant = select.value;
    select.textContent = "";
    paires.forEach(function (p) { var o = document.createElement("option"); o.value = p[0]; o.textContent = p[1]; select.appendChild(o); });
    if (garder && paires.some(function (p) { return p[0] === avant; })) select.value = avant;
    select.parentNode.hidden = paires.length < 2;
  }
  function uniques(liste, cle, libelle) {
    var vus = {}, out = [];
    liste.forEach(function (x) { if (!vus[x[cle]]) { vus[x[cle]] = 1; out.push([String(x[cle]), libelle(x)]); } });
    return out;
  }
  function carte() { return D.cartes[+id("c-indicateur").value]; }
  function trouve(c, e, a, r) {
    return c.series.filter(function (s) { return (e === null || String(s.edition) === e) && (a === null || s.acteur === a) && (r === null || s.reponse === r); });
  }
  function motifs(svg, zone, k) {
    [["stable", 12, "<rect width='12' height='12' fill='#fff' fill-opacity='.6'/><path d='M2 7.5q2-3 4-1.5t4-1.5' fill='none' stroke='#1b1b1b'/>", ""],
     ["secret", 9, "<rect width='9' height='9' fill='#f2f2f2'/><rect width='3' height='9' fill='#8a8a8a'/>", " rotate(45)"],
     ["ns", 9, "<rect width='9' height='9' fill='#f2f2f2'/><circle cx='4.5' cy='4.5' r='1.8' fill='#6b6b6b'/>", ""],
     ["nd", 8, "<rect width='8' height='8' fill='#d9d9d9'/>", ""],
     ["absent", 10, "<rect width='10' height='10' fill='#fff'/><path d='M0 5H10' stroke='#b5b5b5'/>", ""],
     ["u", 7, "<rect width='1.6' height='7' fill='#fff' fill-opacity='.75'/>", " rotate(45)"],
     ["e", 8, "<rect width='1.1' height='8' fill='#1b1b1b'/><rect x='1.1' width='1.1' height='8' fill='#fff'/>", " rotate(-45)"]].forEach(function (m) {
      var p = el("pattern", { id: "p-" + m[0] + "-" + zone, width: m[1], height: m[1], patternUnits: "userSpaceOnUse", patternTransform: "scale(" + k + ")" + m[3] });
      p.innerHTML = m[2];
      svg.appendChild(p);
    });
  }
  function fond(c, x, zone) {
    if (!x) return "url(#p-absent-" + zone + ")";
    return x[2] === null ? "url(#p-" + (MOTIF[x[3]] || "nd") + "-" + zone + ")" : couleur(c, x[2]);
  }
  function dessine(c, s) {
    var svg = el("svg", { viewBox: "0 0 700 820", role: "group", "aria-label": "Carte de France, " + s.lieux.length + " territoires", "aria-describedby": "aide-carte" });
    var defs = el("defs"); svg.appendChild(defs);
    var lieux = {}; s.lieux.forEach(function (x) { lieux[x[0]] = x; });
    var contours = D.niveaux[c.niveau], zones = Object.keys(D.zones), om = zones.filter(function (z) { return z !== "metropole"; });
    var aires = [];
    zones.forEach(function (z) {
      var b = D.zones[z], i = om.indexOf(z), l = 690 / om.length;
      var cadre = z === "metropole" ? [10, 0, 680, 680] : [i * l + 10, 708, l - 16, 100];
      var k = Math.min(cadre[2] / b[2], cadre[3] / b[3]);
      var g = el("g", { transform: "translate(" + (cadre[0] + (cadre[2] - b[2] * k) / 2) + " " + cadre[1] + ") scale(" + k + ")", stroke: "#5f6b76", "stroke-width": 0.9 / k, style: "--epais:" + 2.6 / k });
      motifs(defs, z, 1 / k);
      Object.keys(contours).forEach(function (code) {
        if (contours[code][0] !== z) return;
        var x = lieux[code], a = el("g", { role: "img", tabindex: "-1", "aria-label": x ? phrase(x, c.unite, s.effectif) + suite(", ", changement(c, x)) : code + " : " + SENS.absent });
        defs.appendChild(el("path", { id: "l-" + code, d: contours[code][1], "fill-rule": "evenodd" }));
        a.appendChild(el("use", { href: "#l-" + code, fill: fond(c, x, z) }));
        if (x && changement(c, x) === D.changements[1]) a.appendChild(el("use", { href: "#l-" + code, fill: "url(#p-stable-" + z + ")" }));
        if (x && MARQUE[x[3]]) a.appendChild(el("use", { href: "#l-" + code, fill: "url(#p-" + x[3] + "-" + z + ")" }));
        a.dataset.nom = x ? x[1] : code;
        g.appendChild(a); aires.push(a);
        if (z !== "metropole") svg.appendChild(el("text", { x: cadre[0] + cadre[2] / 2, y: 700, "text-anchor": "middle", "font-size": 17, fill: "#1b1b1b" }, a.dataset.nom));
      });
      svg.appendChild(g);
    });
    aires.sort(function (a, b) { return a.dataset.nom.localeCompare(b.dataset.nom, "fr"); });
    aires.forEach(function (a, i) {
      a.addEventListener("mouseenter", function () { id("lu").textContent = a.getAttribute("aria-label"); });
      a.addEventListener("focus", function () { id("lu").textContent = a.getAttribute("aria-label"); });
      a.addEventListener("keydown", function (ev) {
        var pas = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[ev.key];
        if (!pas) return;
        ev.preventDefault();
        var b = aires[(i + pas + aires.length) % aires.length];
        a.setAttribute("tabindex", "-1"); b.setAttribute("tabindex", "0"); b.focus();
      });
    });
    if (aires.length) aires[0].setAttribute("tabindex", "0");
    id("dessin").textContent = ""; id("dessin").appendChild(svg);
  }
  function legende(c, s) {
    var liste = id("legende"), lieux = s.lieux, contours = D.niveaux[c.niveau];
    liste.textContent = "";
    function ligne(fill, texte, dessus) {
      var li = document.createElement("li"), v = el("svg", { width: 34, height: 22, "aria-hidden": "true" });
      [fill, dessus].forEach(function (f) { if (f) v.appendChild(el("rect", { x: .5, y: .5, width: 33, height: 21, fill: f, stroke: "#5f6b76" })); });
      li.appendChild(v); li.appendChild(document.createTextNode(texte)); liste.appendChild(li);
    }
    var dessines = lieux.filter(function (x) { return contours[x[0]]; });
    if (c.zero) ligne("#ffffff", "exactement " + nombre(0, c.unite));
    c.couleurs.forEach(function (f, i) { ligne(f, "de " + nombre(c.bornes[i], c.unite) + " à " + nombre(c.bornes[i + 1], c.unite)); });
    if (dessines.some(function (x) { return changement(c, x) === D.changements[1]; })) ligne(c.couleurs[0] || "#fff", "pâli, à vagues : non significatif", "url(#p-stable-metropole)");
    Object.keys(MARQUE).forEach(function (k) {
      if (dessines.some(function (x) { return x[3] === k; })) ligne(c.couleurs[0] || "#fff", MARQUE[k][0], "url(#p-" + k + "-metropole)");
    });
    ["secret", "ns", "nd"].forEach(function (m) {
      if (dessines.some(function (x) { return x[2] === null && (MOTIF[x[3]] || "nd") === m; })) ligne("url(#p-" + m + "-metropole)", SENS[m]);
    });
    if (dessines.length < Object.keys(contours).length) ligne("url(#p-absent-metropole)", SENS.absent);
    id("rappel").textContent = D.couverture && c.code !== D.couverture ? "À lire avec la carte de couverture : une région où peu ont répondu est mal connue." : "";
  }
  function valeur(td, x, c, s) {
    var dite = nombre(x[2], c.unite);
    if (!s.trace || x[2] === null || x[3] === "e") { td.textContent = dite; return; }
    var b = document.createElement("button");
    b.type = "button"; b.className = "vers-preuve"; b.textContent = dite;
    b.setAttribute("aria-label", dite + ", " + x[1] + " : d'où vient ce chiffre ?");
    b.addEventListener("click", function () {
      id("preuve-de").textContent = dite + ", " + x[1];
      id("commande").textContent = s.trace + x[0];
      id("preuve").hidden = false;
    });
    td.appendChild(b);
  }
  function table(c, s) {
    var corps = id("tableau").tBodies[0], lignes = s.lieux.slice();
    lignes.sort(function (a, b) {
      var x = a[tri.colonne], y = b[tri.colonne];
      if (x === null || y === null) return x === y ? a[1].localeCompare(b[1], "fr") : x === null ? 1 : -1;
      return tri.sens * (typeof x === "string" ? x.localeCompare(y, "fr") : x - y) || a[1].localeCompare(b[1], "fr");
    });
    corps.textContent = "";
    lignes.forEach(function (x) {
      var tr = corps.insertRow(), th = document.createElement("th");
      th.scope = "row"; th.textContent = x[1]; tr.appendChild(th);
      valeur(tr.insertCell(), x, c, s);
      [intervalle(x, c.unite) || (x[2] === null ? "non publié" : "sans objet"), x[4] === null ? "non publié" : String(x[4]), statut(x) + suite(" ; ", changement(c, x))].forEach(function (t) { tr.insertCell().textContent = t; });
      tr.dataset.code = x[0];
    });
    id("preuve").hidden = true;
    id("tableau").querySelector("[data-tri='4']").textContent = s.effectif;
    Array.prototype.forEach.call(id("tableau").querySelectorAll("thead button"), function (b) {
      var actif = +b.dataset.tri === tri.colonne;
      if (actif) b.parentNode.setAttribute("aria-sort", tri.sens > 0 ? "ascending" : "descending"); else b.parentNode.removeAttribute("aria-sort");
    });
  }
  function montre() {
    var c = carte(), s = trouve(c, id("c-edition").value, id("c-acteur").value, id("c-reponse").value)[0];
    if (!s) return;
    var titre = c.titre + (s.reponse ? ", " + s.reponse : "") + ", " + s.libelle.toLowerCase() + ", " + s.edition;
    if (s.lieux.some(function (x) { return x[3] === "e"; })) titre += " (des lieux sont estimés par un modèle)";
    id("legende-titre").textContent = titre;
    id("tableau-titre").textContent = titre + ". Tableau " + s.tableau + (s.champ ? ". Champ : " + s.champ : "") + ".";
    id("lu").textContent = "";
    dessine(c, s); legende(c, s); table(c, s);
  }
  function choisit(depuis) {
    var c = carte();
    if (depuis < 1) options(id("c-reponse"), uniques(c.series, "reponse", function (x) { return x.reponse; }), true);
    var r = id("c-reponse").value;
    if (depuis < 2) options(id("c-edition"), uniques(trouve(c, null, null, r), "edition", function (x) { return String(x.edition); }).sort().reverse(), true);
    options(id("c-acteur"), uniques(trouve(c, id("c-edition").value, null, r), "acteur", function (x) { return x.libelle; }), true);
    montre();
  }
  options(id("c-indicateur"), D.cartes.map(function (c, i) { return [String(i), c.titre]; }));
  id("c-indicateur").addEventListener("change", function () { choisit(0); });
  id("c-reponse").addEventListener("change", function () { choisit(1); });
  id("c-edition").addEventListener("change", function () { choisit(2); });
  id("c-acteur").addEventListener("change", montre);
  id("choix").addEventListener("submit", function (ev) { ev.preventDefault(); });
  Array.prototype.forEach.call(id("tableau").querySelectorAll("thead button"), function (b) {
    b.addEventListener("click", function () {
      var k = +b.dataset.tri;
      tri.sens = tri.colonne === k ? -tri.sens : (k === 1 ? 1 : -1); tri.colonne = k;
      var s = trouve(carte(), id("c-edition").value, id("c-acteur").value, id("c-reponse").value)[0];
      table(carte(), s);
    });
  });
  choisit(0);
})();
