//! The points of the client contract (clients/README.md), tried with the fake gateway. Tokio's clock
//! is stopped: it moves on by itself when there is nothing else to do, so no test waits.

mod connected;
mod extending;
mod fixture;
mod flow;
mod settling;
mod stopping;
mod watching;
