-- The locale in ICU's old form, which 16 and later make a language tag of.
CREATE SCHEMA s;
CREATE COLLATION s.phonebook (PROVIDER = icu, LOCALE = 'de@collation=phonebook');
CREATE TABLE s.t (a text COLLATE s.phonebook UNIQUE);
INSERT INTO s.t VALUES ('Göbel'), ('Goethe');
