//! The command `pgtandem`. Everything is in [`pgtandem::cli`]; this is the only place that ends the process.

fn main() {
    std::process::exit(i32::from(pgtandem::cli::main()));
}
