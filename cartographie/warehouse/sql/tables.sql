-- Tables that do not depend on the questionnaire. Entity tables are generated (see entite.sql).
-- No PRIMARY KEY: uniqueness is checked once, set-wise, by verify*.sql.

CREATE TABLE campagne (            -- one row: one campaign
    campagne VARCHAR NOT NULL, libelle VARCHAR, debut DATE, fin DATE, champ VARCHAR, precedente VARCHAR
);
CREATE TABLE entite (              -- one row: one kind of row
    entite VARCHAR NOT NULL, libelle VARCHAR, parent VARCHAR, base BOOLEAN NOT NULL, rang INTEGER NOT NULL
);
CREATE TABLE depot (               -- one row: one received file
    campagne VARCHAR NOT NULL, depot VARCHAR NOT NULL, nom VARCHAR, chemin VARCHAR, sha256 VARCHAR, taille BIGINT,
    recu_le VARCHAR, role VARCHAR, format VARCHAR, encodage VARCHAR, separateur VARCHAR, modele VARCHAR,
    version VARCHAR, etat VARCHAR
);
CREATE TABLE question (            -- one row: one declared variable of one entity in one campaign, asked or not
    campagne VARCHAR NOT NULL, entite VARCHAR NOT NULL, variable VARCHAR NOT NULL, posee BOOLEAN NOT NULL,
    derivee BOOLEAN NOT NULL, disponible BOOLEAN NOT NULL, depuis_base BOOLEAN NOT NULL, libelle VARCHAR,
    nomenclature VARCHAR
);
CREATE TABLE choix (               -- one row: one answer ticked in a multiple choice of one record
    campagne VARCHAR NOT NULL, entite VARCHAR NOT NULL, id_repondant VARCHAR, ordinal INTEGER,
    variable VARCHAR NOT NULL, modalite VARCHAR NOT NULL
);
CREATE TABLE lien_base (           -- one row: one unit of the frame covered by one respondent
    campagne VARCHAR NOT NULL, id_repondant VARCHAR NOT NULL, id_base VARCHAR NOT NULL, mode VARCHAR
);
CREATE TABLE anomalie (            -- one row: one finding, with its cell
    campagne VARCHAR NOT NULL, depot VARCHAR, fichier VARCHAR, feuille VARCHAR, ligne BIGINT, colonne VARCHAR,
    cellule VARCHAR, entite VARCHAR, id_repondant VARCHAR, variable VARCHAR, valeur_recue VARCHAR, regle VARCHAR,
    gravite VARCHAR, message VARCHAR, proposition VARCHAR
);
CREATE TABLE quarantaine (         -- one row: one record set aside
    campagne VARCHAR NOT NULL, entite VARCHAR, depot VARCHAR, feuille VARCHAR, ligne BIGINT, id_repondant VARCHAR,
    motif VARCHAR
);
CREATE TABLE compte (              -- one row: one count of the account of one sheet (unite: ligne, cellule)
    campagne VARCHAR NOT NULL, depot VARCHAR, feuille VARCHAR, unite VARCHAR, categorie VARCHAR, motif VARCHAR,
    nombre BIGINT
);
CREATE TABLE nomenclature (        -- one row: one allowed answer
    nom VARCHAR NOT NULL, rang INTEGER NOT NULL, code VARCHAR NOT NULL, libelle VARCHAR, parent VARCHAR,
    valide_de VARCHAR, valide_a VARCHAR
);
CREATE TABLE provenance (             -- one row: one thing the warehouse was made from: a file of schemas/ or raw/, the program
    nom VARCHAR NOT NULL, sha256 VARCHAR NOT NULL
);
