//! What a bench has found out: a table of legs, and what that means.

use std::time::Duration;

use super::summary::row;
use crate::cli::style::Paint;
use crate::cli::text;
use crate::ops::bench::{Advice, Leg, Part, Place, Work};
use crate::ops::{Benched, Format};

/// The columns of the table: what, how, lanes, speed, and what else there is to say.
const HEAD: [&str; 5] = ["leg", "how", "lanes", "speed", ""];

/// All legs with their speeds, then what limits, what is recommended, and what is to be expected.
pub fn benched(benched: &Benched, width: usize, paint: Paint) -> String {
    let database = text::safe(&benched.database).into_owned();
    let servers = match benched.new_version {
        Some(new) => format!("from PostgreSQL {} to {new}", benched.old_version),
        None => format!("on PostgreSQL {}", benched.old_version),
    };
    let mut out = format!("\n{}\n\n", paint.bold(&format!("Bench: database {database} {servers}")));
    let of = match benched.bytes {
        0 => "nothing in it".to_owned(),
        bytes => format!("{} of tables, {} of indexes", text::size(bytes), text::size(benched.index_bytes)),
    };
    row(&mut out, "holds", &of, width, paint);
    if !benched.tables.is_empty() {
        let names: Vec<_> = benched.tables.iter().map(|name| text::safe(name)).collect();
        let part = text::percent(benched.sampled_bytes, benched.bytes);
        let of = format!("{} ({part}% of the tables' bytes)", names.join(", "));
        row(&mut out, "samples", &of, width, paint);
    }
    let trips = [Some(("old", benched.old_round_trip)), benched.new_round_trip.map(|trip| ("new", trip))];
    let trips =
        trips.into_iter().flatten().map(|(side, trip)| format!("{} to the {side} server and back", short(trip)));
    row(&mut out, "way", &trips.collect::<Vec<_>>().join(", "), width, paint);
    out += "\n";
    out += &table(&benched.legs, paint);
    if !benched.findings.is_empty() {
        out += "\n";
        out += &super::findings(&benched.findings, width, paint);
    }
    for (name, advice) in [("upgrade", &benched.upgrade), ("dump", &benched.dump)] {
        if let Some(advice) = advice {
            out += "\n";
            out += &advised(name, advice, benched, &database, paint);
        }
    }
    out + "\nNothing was left behind.\n"
}

fn table(legs: &[Leg], paint: Paint) -> String {
    let rows: Vec<[String; 5]> = legs.iter().map(cells).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|at| rows.iter().map(|row| text::width(&row[at])).chain([HEAD[at].len()]).max().unwrap_or_default())
        .collect();
    let line = |cells: [&str; 5]| {
        let [leg, how, lanes, speed, more] = cells;
        let line = format!(
            "  {}  {}  {}  {}  {more}",
            text::left(leg, widths[0]),
            text::left(how, widths[1]),
            text::right(lanes, widths[2]),
            text::right(speed, widths[3])
        );
        line.trim_end().to_owned()
    };
    let mut out = format!("{}\n", paint.dim(&line(HEAD)));
    for (leg, row) in legs.iter().zip(&rows) {
        let line = line([&row[0], &row[1], &row[2], &row[3], &row[4]]);
        let line = if leg.work.is_together() { paint.bold(&line) } else { line };
        out += &format!("{line}\n");
    }
    out
}

fn cells(leg: &Leg) -> [String; 5] {
    let what = match (leg.work, leg.place) {
        (Work::Read, _) => "read on the old server",
        (Work::Wire, Place::New) => "way from the new server",
        (Work::Wire, _) => "way from the old server",
        (Work::Compress, _) => "compress here",
        (Work::Disk, _) => "write to the disk here",
        (Work::Write, _) => "write on the new server",
        (Work::Build, _) => "build indexes on the new server",
        (Work::ReadBack, _) => "read back on the new server",
        (Work::Copy, _) => "together: copy from old to new",
        (Work::Dump, _) => "together: dump of samples",
        (Work::Upgrade, _) => "together: upgrade of samples",
    };
    let more = match leg.ratio {
        Some(ratio) => format!("to {:.0}%", ratio * 100.0),
        None if leg.work.is_together() => {
            format!("{} in {}", text::size(leg.flow.bytes), text::duration(leg.flow.elapsed))
        }
        None => String::new(),
    };
    let speed = if leg.flow.bytes > 0 { text::rate(leg.flow.speed()) } else { text::duration(leg.flow.elapsed) };
    [what.to_owned(), text::safe(&leg.form).into_owned(), leg.lanes.to_string(), speed, more]
}

fn advised(name: &str, advice: &Advice, benched: &Benched, database: &str, paint: Paint) -> String {
    let head = if name == "upgrade" { "Upgrade" } else { "Dump" };
    let mut out = format!("{}\n", paint.bold(head));
    let limit = advice.limit.map_or_else(
        || "nothing that could be measured".to_owned(),
        |part| {
            let time = advice.parts.iter().find(|(found, _)| *found == part).map(|(_, time)| *time).unwrap_or_default();
            format!("{} ({} of it)", describe(part), text::duration(time))
        },
    );
    out += &format!("  Limited by: {limit}\n");
    out += &format!("  Recommended: {}\n", paint.cyan(&options(name, advice)));
    let (from, to) = advice.elapsed;
    let (article, bytes) = match name {
        "upgrade" => ("an upgrade", benched.bytes.saturating_add(benched.index_bytes)),
        _ => ("a dump", benched.bytes),
    };
    let size = text::size(bytes);
    let forecast = format!("Forecast for {article} of {database} ({size}): {}", span(from, to));
    out + &format!("  {}\n", paint.green(&forecast))
}

/// The options of the command that do what is recommended.
fn options(name: &str, advice: &Advice) -> String {
    let mut options = format!("--jobs {}", advice.jobs);
    if name == "upgrade" {
        options += &format!(" --format {}", format_name(advice.format));
    }
    if let Some(codec) = advice.compress {
        options += &format!(" --compress {codec}");
    }
    options
}

/// The word on the command line.
pub const fn format_name(format: Format) -> &'static str {
    match format {
        Format::Auto => "auto",
        Format::Text => "text",
        Format::Binary => "binary",
    }
}

const fn describe(part: Part) -> &'static str {
    match part {
        Part::Read => "reading on the old server",
        Part::Wire => "the way between the servers",
        Part::Load => "writing rows on the new server",
        Part::Compress => "compressing",
        Part::Disk => "the disk of the archive",
        Part::Build => "building indexes on the new server",
        Part::ForeignKeys => "looking foreign keys up on the new server",
        Part::Verify => "reading everything back",
        Part::Fixed => "what is done whatever the tables hold",
    }
}

/// From, to; one time where they look the same.
fn span(from: Duration, to: Duration) -> String {
    let (from, to) = (text::duration(from), text::duration(to));
    if from == to { format!("about {to}") } else { format!("about {from} to {to}") }
}

fn short(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Codec;
    use crate::ops::bench::Flow;
    use crate::wire::version::ServerVersion;

    fn leg(work: Work, place: Place, form: &str, lanes: usize, bytes: u64) -> Leg {
        let flow = Flow { bytes, rows: 1, elapsed: Duration::from_secs(2) };
        let ratio = (work == Work::Compress).then_some(0.248);
        Leg { work, place, form: form.to_owned(), lanes, flow, ratio }
    }

    #[test]
    fn a_table_and_what_it_means() {
        let advice = Advice {
            jobs: 4,
            format: Format::Auto,
            compress: None,
            limit: Some(Part::Build),
            parts: vec![(Part::Build, Duration::from_millis(9100))],
            elapsed: (Duration::from_secs(21), Duration::from_secs(28)),
        };
        let dump = Advice { compress: Some(Codec::Zstd(3)), limit: None, ..advice.clone() };
        let shown = benched(
            &Benched {
                database: "sh\x1bop".into(),
                old_version: ServerVersion(150_018),
                new_version: Some(ServerVersion(180_004)),
                bytes: 1_200_000_000,
                index_bytes: 500_000_000,
                tables: vec!["shop.orders".into()],
                sampled_bytes: 1_000_000_000,
                old_round_trip: Duration::from_micros(120),
                new_round_trip: Some(Duration::from_micros(1300)),
                legs: vec![
                    leg(Work::Read, Place::Old, "text", 1, 200_000_000),
                    leg(Work::Compress, Place::Here, "zstd:3", 1, 400_000_000),
                    leg(Work::Upgrade, Place::Both, "auto", 4, 100_000_000),
                ],
                upgrade: Some(advice),
                dump: Some(dump),
                ..Benched::default()
            },
            80,
            Paint::PLAIN,
        );
        let expected = "
Bench: database sh\\x1bop from PostgreSQL 15.18 to 18.4

  holds    1.2 GB of tables, 500 MB of indexes
  samples  shop.orders (83% of the tables' bytes)
  way      0.12 ms to the old server and back, 1.30 ms to the new server and
           back

  leg                           how     lanes      speed
  read on the old server        text        1   100 MB/s
  compress here                 zstd:3      1   200 MB/s  to 25%
  together: upgrade of samples  auto        4  50.0 MB/s  100 MB in 2.0 s

Upgrade
  Limited by: building indexes on the new server (9.1 s of it)
  Recommended: --jobs 4 --format auto
  Forecast for an upgrade of sh\\x1bop (1.7 GB): about 21.0 s to 28.0 s

Dump
  Limited by: nothing that could be measured
  Recommended: --jobs 4 --compress zstd:3
  Forecast for a dump of sh\\x1bop (1.2 GB): about 21.0 s to 28.0 s

Nothing was left behind.
";
        assert_eq!(shown, expected);
    }
}
