//! The lab by hand: fetch everything, run a server, run the stock client.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use pgtandem_lab::{Client, MAJORS, Server, server_binaries};

const USAGE: &str = "usage: pgtandem-lab provision [MAJOR...]
       pgtandem-lab run MAJOR [--regression]
       pgtandem-lab client PROGRAM [ARGUMENT...]";

/// The majors of which tests want the very client.
const EXACT_CLIENTS: [u32; 2] = [15, 17];

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["provision", ref majors @ ..] => provision(majors),
        ["run", major] => run(major, false),
        ["run", major, "--regression"] => run(major, true),
        ["client", program, ref arguments @ ..] => client(program, arguments),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("{error}{cause}");
            ExitCode::FAILURE
        }
    }
}

/// Fetches the client and the servers of these majors, or of all; with those of all the clients whose major matters.
fn provision(majors: &[&str]) -> Result {
    let mut wanted = majors.iter().map(|major| major.parse()).collect::<std::result::Result<Vec<u32>, _>>()?;
    if wanted.is_empty() {
        wanted.extend(MAJORS);
        for major in EXACT_CLIENTS {
            println!("client {major}: {}", Client::of(major)?.bin().display());
        }
    }
    println!("client: {}", Client::get()?.bin().display());
    for major in wanted {
        println!("server {major}: {}", server_binaries(major)?.display());
    }
    Ok(())
}

/// Runs a server until standard input ends or has a line. Any signal that ends us ends the server as well.
fn run(major: &str, regression: bool) -> Result {
    let builder = Server::builder(major.parse()?);
    let (server, database) =
        if regression { (builder.regression().start()?, "regression") } else { (builder.start()?, "postgres") };
    println!("{}", server.url(database));
    println!("socket {}, log {}/../log", server.socket_dir().display(), server.data_dir().display());
    println!("Enter stops it.");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// Becomes the client program.
fn client(program: &str, arguments: &[&str]) -> Result {
    Err(Client::get()?.command(program).args(arguments).exec().into())
}
