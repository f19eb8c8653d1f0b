//! Thinking between reading and doing: pure functions of the catalog, without I/O and without a server.
//!
//! [`order`] turns the catalog into steps that work one after the other, and repairs the loops on the way (`cycle`).
//! Before that, [`select`] leaves in it what was asked for. [`schedule`] turns a table of contents into tasks that several
//! lanes can work on side by side; [`split`] lets several of them share a large table, and [`form`] says in which form rows
//! cross. How many lanes there are, and what each may take of the new server, is in [`means`]; how many of them copy at once is
//! found out on the way ([`pace`]). What measured speeds mean for a whole run is in [`forecast`].

mod cycle;
pub mod forecast;
pub mod form;
mod graph;
pub mod means;
pub mod order;
pub mod pace;
pub mod schedule;
pub mod select;
pub mod split;
