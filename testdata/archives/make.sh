#!/usr/bin/env bash
# Makes the archives of this folder anew: small ones of each codec, by stock pg_dump and by pgtandem, from a server 15 or later
# that the PG* variables point at. PG_DUMP is a pg_dump 17 or later, PG_DUMP_15 one of 15, PGTANDEM the program.
set -euo pipefail
cd "$(dirname "$0")"
dropdb --if-exists archive_corpus
createdb archive_corpus
psql -qX -v ON_ERROR_STOP=1 -d archive_corpus -f corpus.sql >/dev/null
for codec in none gzip lz4 zstd; do
  "${PG_DUMP:-pg_dump}" -Fc -Z "$codec" -f "stock-16-$codec.dump" archive_corpus
  "${PG_DUMP:-pg_dump}" -Fc -Z "$codec" archive_corpus | cat >"stock-16-$codec-piped.dump"
done
"${PG_DUMP:-pg_dump}" -Fc -Z none --inserts -f stock-16-inserts.dump archive_corpus
"${PG_DUMP_15:-pg_dump}" -Fc -f stock-14-gzip.dump archive_corpus
for codec in none gzip lz4 zstd; do
  "${PGTANDEM:-pgtandem}" dump --from "dbname=archive_corpus" --archive "ours-15-$codec.pgdump" --compress "$codec" --overwrite --quiet
done
"${PGTANDEM:-pgtandem}" dump --from "dbname=archive_corpus" --archive ours-14-gzip.pgdump --compat 14 --overwrite --quiet
dropdb archive_corpus
