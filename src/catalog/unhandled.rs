//! Unhandled.
