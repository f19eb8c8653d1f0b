//! Thinking between reading and doing: pure functions of the catalog, without I/O and without a server.
//!
//! [`order`] turns the catalog into steps that work one after the other, and repairs the loops on the way (`cycle`).
//! Before that, [`select`] leaves in it what was asked for. [`schedule`] turns a table of contents into tasks that several
//! lanes can work on side by side; [`split`] lets several of them share a large table, and [`form`] says in which form rows
//! cross.

mod cycle;
pub mod form;
mod graph;
pub mod order;
pub mod schedule;
pub mod select;
pub mod split;
