//! Everything that takes real servers, as one binary: a server of each major serves all of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod all_databases;
mod archive;
mod archive_layout;
mod archive_list;
mod archive_read;
mod archive_script;
mod archive_verify;
mod bench;
mod catalog_cases;
mod cli;
mod connect;
mod copy;
mod dump;
mod dump_full;
mod extension;
mod formats;
mod globals;
mod hazards;
mod interrupt;
mod kinds;
mod layers;
mod parts;
mod queries;
mod readers;
mod refusals;
mod regression;
mod restore;
mod restore_stream;
mod roundtrip;
mod salvage;
mod selection;
mod standing;
mod statistics;
mod support;
mod tuning;
mod upgrade_archive;
mod ways;
