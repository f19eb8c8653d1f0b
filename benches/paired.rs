//! How long an upgrade takes beside what users would use instead, in pairs: ours, theirs, ours, theirs.
//!
//! `cargo bench --bench paired [-- --orders N --runs N --jobs N --verify HOW --not-durable --set NAME=VALUE]`
//!
//! Every run begins with a fresh target and a CHECKPOINT on both servers. What counts are the ratios of the medians.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use pgtandem_lab::{Server, cache_dir};

const USAGE: &str = "\
usage: cargo bench --bench paired [-- OPTIONS]

  --orders N         how many orders the shop has (default 2000000, which make 1.8 GB)
  --runs N           how many runs of each (default 3)
  --jobs N           as for pgtandem upgrade
  --verify HOW       as for pgtandem upgrade (default none: the others do not verify)
  --not-durable      without fsync, as the tests do
  --set NAME=VALUE   a setting of both servers; may be given again";

const SHOP: &str = include_str!("../testdata/shop.sql");
const DATABASE: &str = "shop";
/// How often the memory of a run is looked at.
const LOOK: Duration = Duration::from_millis(10);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Options {
    orders: u64,
    runs: usize,
    upgrade: Vec<String>,
    durable: bool,
    settings: Vec<(String, String)>,
}

/// A way to move a database.
#[derive(Clone, Copy)]
enum Way {
    Pgtandem,
    /// `pg_dump -Fd -j2` with this compression, then `pg_restore -j4`.
    Stock(&'static str),
}

/// What one run took.
struct Took {
    elapsed: Duration,
    /// The most memory that was resident, in bytes, where that was looked at.
    memory: Option<u64>,
}

fn main() -> ExitCode {
    // The upgrade is this program with other arguments, built as the benches are.
    if env::args().nth(1).as_deref() == Some("upgrade") {
        return ExitCode::from(pgtandem::cli::main());
    }
    let done = options().and_then(|options| options.map_or(Ok(()), |options| compare(&options)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paired: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Option<Options>> {
    let mut options = Options { orders: 2_000_000, runs: 3, upgrade: Vec::new(), durable: true, settings: Vec::new() };
    let mut verify = "none".to_owned();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} takes a value"));
        match argument.as_str() {
            "--orders" => options.orders = value()?.parse()?,
            "--runs" => options.runs = value()?.parse()?,
            "--jobs" => options.upgrade.extend(["--jobs".to_owned(), value()?]),
            "--verify" => verify = value()?,
            "--not-durable" => options.durable = false,
            // From cargo, for harnesses that do other things without it.
            "--bench" => {}
            "--set" => {
                let text = value()?;
                let (name, value) = text.split_once('=').ok_or("--set takes NAME=VALUE")?;
                options.settings.push((name.to_owned(), value.to_owned()));
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(format!("there is no option {other}\n\n{USAGE}").into()),
        }
    }
    if options.orders < 1000 || options.runs < 1 {
        return Err("there have to be 1000 orders and one run, at least".into());
    }
    options.upgrade.extend(["--verify".to_owned(), verify]);
    Ok(Some(options))
}

fn compare(options: &Options) -> Result<()> {
    let (old, new) = (start(15, options)?, start(18, options)?);
    eprintln!("filling {DATABASE} with {} orders", options.orders);
    old.create_database(DATABASE)?;
    old.psql(DATABASE, &format!("\\set orders {}\n{SHOP}", options.orders))?;
    let size = old.psql(DATABASE, "SELECT pg_size_pretty(pg_database_size(current_database()))")?;
    let scratch = cache_dir().join(format!("paired-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;

    let ways = [Way::Pgtandem, Way::Stock("gzip"), Way::Stock("zstd:3")];
    let mut took: [Vec<Took>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for run in 0..options.runs {
        for (way, took) in ways.iter().zip(&mut took) {
            let one = way.run(&old, &new, &scratch, options)?;
            eprintln!("run {}: {}: {:.1} s", run + 1, way.name(options), one.elapsed.as_secs_f64());
            took.push(one);
        }
    }
    fs::remove_dir_all(&scratch)?;
    print_table(options, size.trim(), &ways, &took);
    Ok(())
}

fn start(major: u32, options: &Options) -> Result<Server> {
    let mut builder = Server::builder(major).set("shared_buffers", "512MB").set("max_wal_size", "8GB");
    if options.durable {
        builder = builder.set("fsync", "on").set("synchronous_commit", "on").set("full_page_writes", "on");
    }
    for (name, value) in &options.settings {
        builder = builder.set(name, value);
    }
    Ok(builder.start()?)
}

impl Way {
    fn name(self, options: &Options) -> String {
        match self {
            Way::Pgtandem => format!("pgtandem upgrade {}", options.upgrade.join(" ")),
            Way::Stock(how) => format!("pg_dump -Fd -j2 -Z {how}, pg_restore -j4"),
        }
    }

    fn run(self, old: &Server, new: &Server, scratch: &Path, options: &Options) -> Result<Took> {
        new.psql("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE}"))?;
        for server in [old, new] {
            server.psql("postgres", "CHECKPOINT")?;
        }
        match self {
            Way::Pgtandem => upgrade(old, new, options),
            Way::Stock(how) => dump_and_restore(old, new, &scratch.join("dump"), how),
        }
    }
}

fn upgrade(old: &Server, new: &Server, options: &Options) -> Result<Took> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["upgrade", "--from", &old.url(DATABASE), "--to", &new.url(DATABASE)]).args(&options.upgrade);
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut memory = None;
    let ended = loop {
        // The kernel keeps the peak; it is gone with the process.
        memory = memory.max(fs::read_to_string(&status).ok().and_then(|text| peak(&text)));
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        thread::sleep(LOOK);
    };
    let elapsed = begun.elapsed();
    if ended.success() { Ok(Took { elapsed, memory }) } else { Err(format!("the upgrade ended with {ended}").into()) }
}

/// The peak of resident memory in `/proc/PID/status`, in bytes.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn dump_and_restore(old: &Server, new: &Server, folder: &Path, compression: &str) -> Result<Took> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let begun = Instant::now();
    let mut dump = old.client("pg_dump")?;
    dump.args(["-Fd", "-j2", "-Z", compression, "-d", DATABASE, "-f"]).arg(folder);
    succeed(&mut dump)?;
    let mut restore = new.client("pg_restore")?;
    restore.args(["-j4", "--create", "--exit-on-error", "-d", "postgres"]).arg(folder);
    succeed(&mut restore)?;
    Ok(Took { elapsed: begun.elapsed(), memory: None })
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}", command.get_program().display()).into())
    }
}

fn print_table(options: &Options, size: &str, ways: &[Way], took: &[Vec<Took>]) {
    let durable = if options.durable { "fsync on" } else { "fsync off" };
    println!("Database of {size}, 15 to 18, {durable}, medians of {}:\n", options.runs);
    println!("| way | runs, s | median, s | ratio of pgtandem to it | peak memory, MB |\n|---|---|---|---|---|");
    let ours = median(took.first().map_or(&[], Vec::as_slice));
    for (way, took) in ways.iter().zip(took) {
        let runs: Vec<String> = took.iter().map(|one| format!("{:.1}", one.elapsed.as_secs_f64())).collect();
        let memory = took.iter().filter_map(|one| one.memory).max();
        let memory = memory.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0}", bytes as f64 / 1e6));
        let (runs, median) = (runs.join(", "), median(took));
        println!("| `{}` | {runs} | {median:.1} | {:.2} | {memory} |", way.name(options), ours / median);
    }
}

fn median(took: &[Took]) -> f64 {
    let mut seconds: Vec<f64> = took.iter().map(|one| one.elapsed.as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    match seconds.len() % 2 {
        0 => (seconds.get(middle.wrapping_sub(1)).unwrap_or(&0.0) + seconds.get(middle).unwrap_or(&0.0)) / 2.0,
        _ => seconds.get(middle).copied().unwrap_or_default(),
    }
}
