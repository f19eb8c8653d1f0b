//! What programs that compare whole runs have in common: two servers, the shop, runs in turn, and a table of what they took.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use pgtandem_lab::{Server, cache_dir};

const SHOP: &str = include_str!("../../testdata/shop.sql");
/// The database of both servers.
pub const DATABASE: &str = "shop";
/// How often the memory of a run is looked at.
const LOOK: Duration = Duration::from_millis(10);

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What every comparison can be told.
pub const USAGE: &str = "\
  --orders N         how many orders the shop has (default 2000000, which make 1.8 GB)
  --runs N           how many runs of each (default 3)
  --jobs N           as for pgtandem
  --not-durable      without fsync, as the tests do
  --set NAME=VALUE   a setting of both servers; may be given again";

pub struct Options {
    pub orders: u64,
    pub runs: usize,
    pub jobs: Vec<String>,
    pub durable: bool,
    pub settings: Vec<(String, String)>,
}

/// What one run took.
#[derive(Clone, Copy)]
pub struct Took {
    pub elapsed: Duration,
    /// The most memory that was resident, in bytes, where that was looked at.
    pub memory: Option<u64>,
    /// The bytes of what it wrote, where that was looked at.
    pub bytes: Option<u64>,
}

/// A row of the table.
pub struct Line {
    pub name: String,
    /// The row that it is compared with; none for that row itself.
    pub against: Option<usize>,
    pub took: Vec<Took>,
}

impl Options {
    /// Reads the arguments; `more` takes those that it knows. Nothing is to be done if there is nothing to return.
    pub fn read(
        usage: &str,
        mut more: impl FnMut(&str, &mut dyn FnMut() -> Result<String>) -> Result<bool>,
    ) -> Result<Option<Self>> {
        let mut options = Self { orders: 2_000_000, runs: 3, jobs: Vec::new(), durable: true, settings: Vec::new() };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} takes a value").into());
            match argument.as_str() {
                "--orders" => options.orders = value()?.parse()?,
                "--runs" => options.runs = value()?.parse()?,
                "--jobs" => options.jobs = vec!["--jobs".to_owned(), value()?],
                "--not-durable" => options.durable = false,
                // From cargo, for harnesses that do other things without it.
                "--bench" => {}
                "--set" => {
                    let text = value()?;
                    let (name, value) = text.split_once('=').ok_or("--set takes NAME=VALUE")?;
                    options.settings.push((name.to_owned(), value.to_owned()));
                }
                "--help" | "-h" => {
                    println!("{usage}\n\n{USAGE}");
                    return Ok(None);
                }
                other if more(other, &mut value)? => {}
                other => return Err(format!("there is no option {other}\n\n{usage}\n\n{USAGE}").into()),
            }
        }
        if options.orders < 1000 || options.runs < 1 {
            return Err("there have to be 1000 orders and one run, at least".into());
        }
        Ok(Some(options))
    }

    fn start(&self, major: u32) -> Result<Server> {
        let mut builder = Server::builder(major).set("shared_buffers", "512MB").set("max_wal_size", "8GB");
        if self.durable {
            builder = builder.set("fsync", "on").set("synchronous_commit", "on").set("full_page_writes", "on");
        }
        for (name, value) in &self.settings {
            builder = builder.set(name, value);
        }
        Ok(builder.start()?)
    }
}

/// Both servers, and a folder for what is written.
pub struct Pair {
    pub old: Server,
    pub new: Server,
    pub scratch: PathBuf,
    conditions: String,
}

impl Pair {
    /// Starts servers of 15 and 18, and fills the old one.
    pub fn start(options: &Options) -> Result<Self> {
        let (old, new) = (options.start(15)?, options.start(18)?);
        eprintln!("filling {DATABASE} with {} orders", options.orders);
        old.create_database(DATABASE)?;
        old.psql(DATABASE, &format!("\\set orders {}\n{SHOP}", options.orders))?;
        let size = old.psql(DATABASE, "SELECT pg_size_pretty(pg_database_size(current_database()))")?;
        let durable = if options.durable { "fsync on" } else { "fsync off" };
        let conditions = format!("Database of {}, 15 to 18, {durable}, medians of {}", size.trim(), options.runs);
        let scratch = cache_dir().join(format!("pairs-{}", std::process::id()));
        fs::create_dir_all(&scratch)?;
        Ok(Self { old, new, scratch, conditions })
    }

    /// A fresh target, and nothing left to be written on either server.
    pub fn settle(&self) -> Result<()> {
        self.new.psql("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE}"))?;
        for server in [&self.old, &self.new] {
            server.psql("postgres", "CHECKPOINT")?;
        }
        Ok(())
    }

    /// Runs all ways in turn, so many times, and prints the table.
    pub fn compare(&self, runs: usize, lines: &mut [Line], one: impl Fn(&Self, usize) -> Result<Took>) -> Result<()> {
        for run in 0..runs {
            for (way, line) in lines.iter_mut().enumerate() {
                self.settle()?;
                let took = one(self, way)?;
                eprintln!("run {}: {}: {:.1} s", run + 1, line.name, took.elapsed.as_secs_f64());
                line.took.push(took);
            }
        }
        fs::remove_dir_all(&self.scratch)?;
        self.print(lines);
        Ok(())
    }

    fn print(&self, lines: &[Line]) {
        println!("{}:\n", self.conditions);
        println!(
            "| way | runs, s | median, s | ratio to it | written, MB | peak memory, MB |\n|---|---|---|---|---|---|"
        );
        for line in lines {
            let runs: Vec<String> = line.took.iter().map(|one| format!("{:.1}", one.elapsed.as_secs_f64())).collect();
            let own = median(&line.took);
            let against = line.against.and_then(|place| lines.get(place));
            let ratio = against.map_or_else(|| "-".to_owned(), |other| format!("{:.2}", median(&other.took) / own));
            let most = |of: fn(&Took) -> Option<u64>| {
                let bytes = line.took.iter().filter_map(of).max();
                bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6))
            };
            let (written, memory) = (most(|took| took.bytes), most(|took| took.memory));
            println!("| `{}` | {} | {own:.1} | {ratio} | {written} | {memory} |", line.name, runs.join(", "));
        }
    }
}

/// Runs ourselves, with these arguments for the command line, and looks at the memory.
pub fn pgtandem<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Took> {
    // It is this program with other arguments, built as the benches are.
    let mut command = Command::new(env::current_exe()?);
    command.args(arguments).arg("--quiet");
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let memory = watch(&mut child)?;
    let elapsed = begun.elapsed();
    let output = child.wait_with_output()?;
    match output.status.success() {
        true => Ok(Took { elapsed, memory, bytes: None }),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("pgtandem ended with {}\n{said}", output.status).into())
        }
    }
}

/// Waits for a process, and returns the most memory that it had.
fn watch(child: &mut Child) -> Result<Option<u64>> {
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut memory = None;
    loop {
        // The kernel keeps the peak; it is gone with the process.
        memory = memory.max(fs::read_to_string(&status).ok().and_then(|text| peak(&text)));
        if child.try_wait()?.is_some() {
            return Ok(memory);
        }
        thread::sleep(LOOK);
    }
}

/// The peak of resident memory in `/proc/PID/status`, in bytes.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Runs stock tools, one after the other.
pub fn stock<const N: usize>(mut commands: [Command; N]) -> Result<Took> {
    let begun = Instant::now();
    for command in &mut commands {
        let status = command.status()?;
        if !status.success() {
            return Err(format!("{} ended with {status}", command.get_program().display()).into());
        }
    }
    Ok(Took { elapsed: begun.elapsed(), memory: None, bytes: None })
}

/// The bytes of a file, or of all files in a folder.
pub fn bytes_of(path: &Path) -> Result<u64> {
    let about = fs::metadata(path)?;
    if about.is_file() {
        return Ok(about.len());
    }
    fs::read_dir(path)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// Removes a file or a folder, if it is there.
pub fn remove(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Ok(fs::remove_dir_all(path)?),
        Ok(_) => Ok(fs::remove_file(path)?),
        Err(_) => Ok(()),
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
