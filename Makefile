# Tout passe par .venv, bâti une fois depuis requirements.lock (versions et empreintes figées).
PYTHON ?= python3
BIN := .venv/bin
PRET := .venv/.pret

unexport PYTHONDONTWRITEBYTECODE # compiled modules and tests are kept: starting is a third faster

.DEFAULT_GOAL := help
# La graine et la taille des campagnes de raw/ ; les mêmes que dans raw/LISEZMOI.md.
CAMPAGNE := --repondants 2000 --graine 1 --classeurs 60

.PHONY: help demo check test bench docs verifier mutation clean lock campagne

help: ## affiche cette aide
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(PRET): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Il faut Python 3.11 ou plus : make PYTHON=python3.12 …" >&2; exit 2; }
	@echo "Préparation de l'environnement (.venv), une seule fois…"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(PRET) ## met tout en place et produit la cartographie fictive 2025-2026 dans outputs/
	@$(BIN)/cartographie run --remplacer

check: $(PRET) ## vérifie vite : style, types, architecture, tests unitaires et exemples (sans les longs)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(if $(filter test,$(MAKECMDGOALS)),true,$(BIN)/python -m pytest -m "not long" tests/architecture tests/unit tests/spec)

test: $(PRET) ## passe tous les tests
	@$(BIN)/python -m pytest

bench: $(PRET) ## mesure la vitesse à côté des autres outils
	@$(BIN)/python benchmarks/bench.py
	@$(BIN)/python benchmarks/secret.py
	@$(BIN)/python benchmarks/publication.py

docs: $(PRET) ## régénère les pages tirées de schemas/, du code et des commandes
	@$(BIN)/python docs/generer.py

verifier: $(PRET) ## vérifie les paquets installés, leurs licences, les avis d'un dossier (AVIS=…) ; nomenclatures dans build/
	@mkdir -p build
	@$(BIN)/pip-licenses --format=markdown --output-file=build/licences.md
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible -o build/installe.cdx.json .venv
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible -o build/verrou.cdx.json requirements.lock
	@cp docs/embarque.cdx.json build/
	@$(BIN)/python tools/dependencies.py $(if $(AVIS),--avis $(AVIS))

campagne: $(PRET) ## refait les campagnes fictives de raw/ (quand schemas/ a changé)
	@rm -rf .campagne && $(BIN)/cartographie demo .campagne $(CAMPAGNE)
	@for a in $$(ls .campagne/raw); do chmod -R u+w raw/$$a 2>/dev/null; rm -rf raw/$$a; cp -r .campagne/raw/$$a raw/$$a; \
	  rm -f raw/$$a/.verrou; cp .campagne/recus/$$a/verite.json raw/$$a/; done
	@chmod -R u+w .campagne && rm -rf .campagne

mutation: $(PRET) ## change le code des calculs, du secret, de l'attaque et du portail, et compte ce que les tests voient (long)
	@$(BIN)/mutmut run $(MUTANTS) && $(BIN)/mutmut export-cicd-stats && cat mutants/mutmut-cicd-stats.json

clean: ## efface ce qui se régénère (outputs/, caches) ; jamais raw/ ni schemas/
	@rm -rf outputs .pytest_cache .hypothesis .mypy_cache .ruff_cache build mutants *.egg-info

lock: ## refait requirements.lock depuis pyproject.toml (demande uv)
	@uv pip compile pyproject.toml --extra demo --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
