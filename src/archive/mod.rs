//! The archive: one file in the custom format of `pg_dump`, which stock `pg_restore` lists and restores.
//!
//! Facts come from PostgreSQL 18, `src/bin/pg_dump/pg_backup_archiver.c` (header and table of contents) and
//! `pg_backup_custom.c` (blocks), and were tried against the stock tools of 9.5 to 18.
//!
//! # The format, byte by byte
//!
//! Primitives, in the order in which their bytes lie:
//!
//! | | |
//! |---|---|
//! | byte | one byte |
//! | int | a sign (0 plus, 1 minus), then `int size` bytes of magnitude, the least significant first |
//! | string | an int, the length, then so many bytes; a length of -1 is NULL, 0 the empty string |
//! | offset | a state (1 not known, 2 known, 3 no data), then `offset size` bytes, the least significant first |
//!
//! The header ([`header`]):
//!
//! | field | form | |
//! |---|---|---|
//! | magic | 5 bytes | `PGDMP` |
//! | version | 3 bytes | major, minor, revision; since the major is 1 for ever, people say 1.15 |
//! | int size, offset size, format | 3 bytes | 4 and 8 in what is written today; format 1 is the custom one |
//! | compression | up to 1.14 an int, the level (0 none, else zlib); since 1.15 a byte: 0 none, 1 gzip, 2 lz4, 3 zstd | one choice for all blocks |
//! | date | 7 ints | second, minute, hour, day, month from 0, year since 1900, whether summer time: local to the writer |
//! | database, server version, writer's version | 3 strings | for people |
//!
//! The table of contents ([`toc`]) follows: an int, how many records there are, and then each of them. It is never compressed.
//!
//! Blocks ([`block`]) follow that, in any order and with anything between them that looks like a block: a byte, 1 for rows or
//! 3 for large objects; the number of the record (int); then chunks, each an int, its length, and so many bytes; an int 0 ends
//! them. A block of large objects has for each of them its OID (int), chunks and 0, and ends with an OID of 0. The chunks of a
//! table, or of one large object, are one compressed stream ([`codec`]). Rows are in the text form of COPY, or, if their
//! record's COPY statement says `WITH (FORMAT binary)`, in the binary one ([`binary`]). What opens an archive and finds its blocks is in
//! [`read`].
//!
//! Where rows are in binary form, a record `WARNING` before the first of them says so to whoever restores: `pg_restore` prints
//! it, and would make a script of them that nobody can run.
//!
//! # What changed from version to version
//!
//! | version | since | |
//! |---|---|---|
//! | 1.12 | 9.0 | one `BLOB` record for each large object |
//! | 1.13 | 9.5.12, 9.6.8, 10.3 | the record `SEARCHPATH` |
//! | 1.14 | 12 | the table access method of a record |
//! | 1.15 | 16 | the compression has a name, and can be lz4 or zstd |
//! | 1.16 | 17 | the relation kind of a record; `BLOB METADATA` for many large objects at once |

pub mod binary;
pub mod block;
pub mod codec;
pub mod entries;
pub mod header;
pub mod large_object;
pub mod listing;
pub mod manifest;
pub mod owner;
pub mod primitive;
pub mod read;
pub mod records;
pub mod script;
pub mod settings;
pub mod toc;
pub mod verify;
pub mod write;
