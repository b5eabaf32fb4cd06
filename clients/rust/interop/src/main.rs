//! Does with the library's public API what `tests/interop/clients/PROTOCOL.md` says: commands come on
//! standard input, reports go to standard output.

mod command;
mod log;
mod program;
mod receiving;
mod report;

use std::{io, process};

use tokio::sync::mpsc;

use self::{command::Command, program::Program};

const UNKNOWN_COMMAND: i32 = 2;

fn main() {
    let (commands, received) = mpsc::unbounded_channel();
    // Standard input is read by a thread of its own: its end ends the program, whatever goes on.
    std::thread::spawn(move || {
        read_commands(&commands);
        process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime is always to be had");
    runtime.block_on(Program::default().run(received));
}

fn read_commands(commands: &mpsc::UnboundedSender<Command>) {
    for line in io::stdin().lines() {
        let Ok(line) = line else { return };
        match serde_json::from_str(&line) {
            Ok(command) => {
                let _ = commands.send(command);
            }
            Err(error) => {
                eprintln!("cannot understand '{line}': {error}");
                process::exit(UNKNOWN_COMMAND);
            }
        }
    }
}
