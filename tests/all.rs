//! Everything that takes real servers, as one binary: a server of each major serves all of it.

mod cli;
mod connect;
mod copy;
mod layers;
mod roundtrip;
mod support;
