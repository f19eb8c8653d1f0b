//! Server versions, and what they can do, by name.

use std::fmt;

/// The version of a server, as `server_version_num` gives it: 150018 is 15.18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion(pub u32);

/// The oldest major that can be read.
pub const OLDEST_SOURCE: u32 = 10;
/// The oldest major that can be written.
pub const OLDEST_TARGET: u32 = 12;
/// The newest major that this version of pgtandem was tried with.
pub const NEWEST_KNOWN: u32 = 18;

impl ServerVersion {
    /// The major: 15 for 15.18. All supported servers count this way (10 and later).
    pub const fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Whether `ANALYZE ONLY` exists: a partitioned table by itself, without its partitions.
    pub const fn has_analyze_only(self) -> bool {
        self.major() >= 18
    }

    /// Whether planner statistics can be written (`pg_restore_relation_stats`, `pg_restore_attribute_stats`).
    pub const fn has_statistics_import(self) -> bool {
        self.major() >= 18
    }

    /// Whether a database records the version of its collation (`datcollversion`, `ALTER DATABASE .. REFRESH`).
    pub const fn has_database_collation_version(self) -> bool {
        self.major() >= 15
    }

    /// Whether rows on a range of pages can be read without reading all others.
    pub const fn has_tid_ranges(self) -> bool {
        self.major() >= 14
    }

    /// Whether `pg_get_sequence_data` exists, which gives a sequence's state in a set-returning query.
    pub const fn has_sequence_data_function(self) -> bool {
        self.major() >= 18
    }

    /// Whether `pg_stat_progress_create_index` exists.
    pub const fn has_index_progress(self) -> bool {
        self.major() >= 12
    }

    /// Whether floating-point numbers are written with as few digits as tell them from others, and not with a fixed number.
    pub const fn has_shortest_floats(self) -> bool {
        self.major() >= 12
    }

    /// Whether columns have a compression method of their own.
    pub const fn has_column_compression(self) -> bool {
        self.major() >= 14
    }

    /// Whether roles can be given privileges on parameters (`pg_parameter_acl`).
    pub const fn has_parameter_privileges(self) -> bool {
        self.major() >= 15
    }

    /// Whether a process of its own collects the cumulative statistics, so that they come late.
    pub const fn has_statistics_collector(self) -> bool {
        self.major() < 15
    }

    /// Whether `transaction_timeout` exists.
    pub const fn has_transaction_timeout(self) -> bool {
        self.major() >= 17
    }

    /// Whether a publication can be for all tables of a schema (`pg_publication_namespace`).
    pub const fn has_schema_publications(self) -> bool {
        self.major() >= 15
    }

    /// Whether the parameter `event_triggers` exists, and event triggers that fire at a login.
    pub const fn has_login_event_triggers(self) -> bool {
        self.major() >= 17
    }

    /// Whether ICU locales are checked when a collation is made (`icu_validation_level`).
    pub const fn has_icu_validation(self) -> bool {
        self.major() >= 16
    }

    /// Whether `CREATE DATABASE` knows `LOCALE_PROVIDER`, `ICU_LOCALE`.
    pub const fn has_locale_provider(self) -> bool {
        self.major() >= 15
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10_000, self.0 % 10_000)
    }
}
